import type { Node } from 'oxc-parser'
import { areaOf } from './areas.js'
import { parse, violation, walk, type Rule } from './source-file.js'

/** Words that do not say what is inside, as a whole word of a file, folder or declaration. */
const hollow = /(?:^|[^a-z])(utils?|common|misc|helpers?|stuff)(?:$|[^a-z])/

/** Names say what is inside. */
export const namesThatSay: Rule = {
  title: 'names say what is inside',
  check: files =>
    files.flatMap(file => {
      const path = file.path.split('/').slice(1).map(words).join(' / ')
      const ofPath = faultOf(path, file.path.split('/').at(-1)?.replace(/\..*$/, '') ?? '')
      const found = ofPath === undefined ? [] : [violation(file, { start: 0 }, `${file.path}: ${ofPath}`)]
      walk(file, node => {
        const declared = declarationOf(node)
        const fault = declared === undefined ? undefined : faultOf(words(declared.name), declared.name, declared.isType)
        if (declared !== undefined && fault !== undefined) {
          found.push(violation(file, node, `${declared.name}: ${fault}`))
        }
      })
      return found
    }),
}

function faultOf(spaced: string, name: string, isType = false): string | undefined {
  const word = hollow.exec(spaced)?.[1]
  if (word !== undefined) return `“${word}” says nothing`
  if (/^managers?$/i.test(name)) return 'manages what?'
  if (isType && /^Base[A-Z]/.test(name)) return 'share by functions, not by base classes'
  if (isType && name.endsWith('Impl')) return 'name what is special about it'
  if (isType && /^I[A-Z][a-z]/.test(name)) return 'interfaces have no prefix'
  return undefined
}

function words(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[-_.]/g, ' ')
    .toLowerCase()
}

function declarationOf(node: Node): { readonly name: string; readonly isType: boolean } | undefined {
  switch (node.type) {
    case 'ClassDeclaration':
    case 'TSInterfaceDeclaration':
    case 'TSTypeAliasDeclaration':
      return node.id === null ? undefined : { name: node.id.name, isType: true }
    case 'FunctionDeclaration':
      return node.id === null ? undefined : { name: node.id.name, isType: false }
    default:
      return undefined
  }
}

/** Files of an area are found by the name of what they hold. */
export const kebabCase: Rule = {
  title: 'files have names in kebab-case',
  check: files =>
    files.flatMap(file => {
      const bad = file.path.split('/').find(part => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z-]+)*$/.test(part))
      return bad === undefined ? [] : [violation(file, { start: 0 }, `${bad} is not kebab-case`)]
    }),
}

/** Modules have no state of their own, so that two users of one in a process do not meet. */
export const noModuleState: Rule = {
  title: 'modules have no mutable state',
  check: files =>
    files
      .filter(({ path }) => areaOf(path) !== undefined)
      .flatMap(file =>
        parse(file).program.body.flatMap(statement => {
          const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
          const mutable = declaration?.type === 'VariableDeclaration' && declaration.kind !== 'const'
          return mutable ? [violation(file, statement, 'module-level let; put it into what a factory makes')] : []
        }),
      ),
}
