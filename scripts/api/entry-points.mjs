// What each entry point of the package exports, read from the declarations in dist.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseSync } from 'oxc-parser'

/**
 * @typedef {import('oxc-parser').Directive | import('oxc-parser').Statement} Statement
 *
 * @typedef {object} Declaration One exported name, with every declaration of it: overloads are several.
 * @property {string} name
 * @property {string} file Where it is declared.
 * @property {'function' | 'class' | 'interface' | 'type' | 'constant'} kind
 * @property {readonly string[]} code Text of each declaration, private members left out.
 * @property {string} doc Text of its doc comment, without stars.
 *
 * @typedef {object} EntryPoint
 * @property {string} specifier As one imports it: `millrace/core`.
 * @property {readonly Declaration[]} declarations In the order of the barrel.
 */

/**
 * Reads every entry point of the exports map, in its order.
 *
 * @param {string} root Folder of the package.
 * @returns {readonly EntryPoint[]}
 */
export function entryPoints(root) {
  const { name, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return (
    Object.entries(exports)
      // One that is not in dist is a fault of the exports map, which publint reports.
      .filter(([, { types }]) => types !== undefined && existsSync(join(root, types)))
      .map(([path, target]) => ({
        specifier: name + path.slice(1),
        declarations: [...exportsOf(join(root, target.types)).values()],
      }))
  )
}

/**
 * @param {string} file
 * @returns {ReadonlyMap<string, Declaration>}
 */
function exportsOf(file) {
  const source = readFileSync(file, 'utf8')
  const { program, comments } = parseSync(file, source)
  /** @type {Map<string, Declaration>} */
  const found = new Map()
  for (const statement of program.body) {
    if (statement.type === 'ExportAllDeclaration') {
      for (const [name, declaration] of exportsOf(resolve(file, statement.source.value))) found.set(name, declaration)
    } else if (statement.type === 'ExportNamedDeclaration' && statement.source !== null) {
      const all = exportsOf(resolve(file, statement.source.value))
      for (const { local, exported } of statement.specifiers) {
        const declaration = all.get(nameOf(local))
        if (declaration !== undefined) found.set(nameOf(exported), { ...declaration, name: nameOf(exported) })
      }
    } else if (statement.type === 'ExportNamedDeclaration') {
      for (const { exported } of statement.specifiers) {
        const local = program.body.find(each => declared(each)?.name === nameOf(exported))
        if (local !== undefined) add(local)
      }
      if (statement.declaration) add(statement)
    }
  }
  return found

  /** @param {Statement} statement */
  function add(statement) {
    const what = declared(statement)
    if (what === undefined) return
    const { name, kind } = what
    const before = found.get(name)
    const code = [...(before?.code ?? []), withoutPrivate(statement, source)]
    found.set(name, { name, kind, file, code, doc: before?.doc || docOf(statement) })
  }

  /** @param {Statement} statement */
  function docOf({ start }) {
    const comment = comments.findLast(({ end }) => end <= start)
    if (!comment?.value.startsWith('*') || source.slice(comment.end, start).trim() !== '') return ''
    return comment.value
      .replace(/^\*/, '')
      .replace(/^ *\* ?/gm, '')
      .trim()
  }
}

/**
 * @param {Statement} statement
 * @returns {{ name: string, kind: Declaration['kind'] } | undefined}
 */
function declared(statement) {
  const node = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
  switch (node?.type) {
    case 'FunctionDeclaration':
    case 'TSDeclareFunction':
      return node.id ? { name: node.id.name, kind: 'function' } : undefined
    case 'ClassDeclaration':
      return node.id ? { name: node.id.name, kind: 'class' } : undefined
    case 'TSInterfaceDeclaration':
      return { name: node.id.name, kind: 'interface' }
    case 'TSTypeAliasDeclaration':
      return { name: node.id.name, kind: 'type' }
    case 'VariableDeclaration': {
      const id = node.declarations[0]?.id
      return id?.type === 'Identifier' ? { name: id.name, kind: 'constant' } : undefined
    }
    default:
      return undefined
  }
}

/**
 * @param {Statement} statement
 * @param {string} source
 */
function withoutPrivate(statement, source) {
  const node = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
  let code = ''
  let from = statement.start
  for (const member of node?.type === 'ClassDeclaration' ? node.body.body : []) {
    if (!('accessibility' in member) || member.accessibility !== 'private') continue
    code += source.slice(from, member.start)
    from = member.end
  }
  code += source.slice(from, statement.end)
  // A constant without a value needs its `declare` to be TypeScript.
  return code.replace(/^export /, '').replace(/^declare (?!const)/, '')
}

/** @param {import('oxc-parser').ModuleExportName} name */
function nameOf(name) {
  return name.type === 'Literal' ? name.value : name.name
}

/**
 * @param {string} file
 * @param {string} specifier
 */
function resolve(file, specifier) {
  return join(dirname(file), specifier.replace(/\.js$/, '.d.ts'))
}
