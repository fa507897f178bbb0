import type { Node } from 'oxc-parser'
import { violation, walk, type Rule, type SourceFile, type Violation } from './source-file.js'

function eachNode(
  files: readonly SourceFile[],
  judge: (node: Node, file: SourceFile) => string | undefined,
): readonly Violation[] {
  return files.flatMap(file => {
    const found: Violation[] = []
    walk(file, node => {
      const message = judge(node, file)
      if (message !== undefined) found.push(violation(file, node, message))
    })
    return found
  })
}

const builtInError = /^(Error|TypeError|RangeError|SyntaxError|EvalError|URIError|ReferenceError|AggregateError)$/

/** Files that make a plain error, and why. */
const plainErrors: ReadonlyMap<string, string> = new Map([
  ['src/core/rpc-error.ts', 'the class makes one of a cause that was no RpcError at the other end'],
  ['src/testing/compliance/foreign-error.ts', 'checks see what becomes of an error that user code throws'],
])

/** Every error has a code and a reason. */
export const typedErrors: Rule = {
  title: 'every error is an RpcError',
  check: files =>
    eachNode(files, (node, { path }) => {
      if (node.type === 'NewExpression' || node.type === 'CallExpression') {
        const made = node.callee.type === 'Identifier' && builtInError.test(node.callee.name)
        return made && !plainErrors.has(path) ? 'a plain error has no code and no reason; use RpcError' : undefined
      }
      const thrown = node.type === 'ThrowStatement' ? node.argument.type : ''
      return /Literal|ObjectExpression/.test(thrown) ? 'throws what is no error; use RpcError' : undefined
    }),
}

/** Names are the same wherever a thing is imported. */
export const namedExports: Rule = {
  title: 'exports are named',
  check: files =>
    eachNode(files, node => {
      if (node.type === 'ExportDefaultDeclaration' || node.type === 'TSExportAssignment') return 'default export'
      const renamed = node.type === 'ExportSpecifier' && nameOf(node.exported) === 'default'
      return renamed ? 'default export' : undefined
    }),
}

function nameOf(name: Node): string {
  return name.type === 'Identifier' ? name.name : name.type === 'Literal' ? String(name.value) : ''
}

/** Where `any` is the only way, how often, and why. */
const allowedAny: ReadonlyMap<string, { readonly times: number; readonly reason: string }> = new Map()

/** Types are not switched off. */
export const noAny: Rule = {
  title: 'types are never switched off',
  check: files =>
    files.flatMap(file => {
      const anys = eachNode([file], node => (node.type === 'TSAnyKeyword' ? 'any; use unknown' : undefined))
      const others = eachNode([file], node => {
        if (node.type === 'TSNonNullExpression') return '! hides undefined'
        return undefined
      })
      const ignored = /@ts-(ignore|nocheck|expect-error)/.exec(file.source)
      const directives = ignored === null ? [] : [violation(file, { start: ignored.index }, ignored[0])]
      return [...anys.slice(allowedAny.get(file.path)?.times ?? 0), ...others, ...directives]
    }),
}

/** One way to be private. */
export const privateReadonly: Rule = {
  title: 'private members are private, not #hidden',
  check: files =>
    eachNode(files, node => (node.type === 'PrivateIdentifier' ? `#${node.name}; use private` : undefined)),
}
