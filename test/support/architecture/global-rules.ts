import type { Node } from 'oxc-parser'
import { importsOf } from './imports.js'
import { violation, walk, type Rule, type SourceFile, type Violation } from './source-file.js'

const RUNTIME = 'src/core/runtime.ts'
const LOG = 'src/core/log.ts'

/** Globals that are time or chance whatever is done with them. */
const timeAndChance = new Set([
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'requestAnimationFrame',
  'performance',
  'crypto',
])

/** Members that are time or chance, of globals that are otherwise harmless. */
const members = new Map<string, RegExp>([
  ['Date', /^now$/],
  ['Math', /^random$/],
  ['process', /^(nextTick|hrtime|uptime)$/],
  ['AbortSignal', /^timeout$/],
])

/** Objects that give every global. */
const globalObjects = new Set(['globalThis', 'window', 'self', 'global'])

/** What RxJS does after a while, on the clock of the machine unless it is told otherwise. */
const timed = new Set(
  (
    'timer interval delay timeout timeoutWith debounceTime auditTime sampleTime throttleTime bufferTime windowTime ' +
    'timeInterval timestamp observeOn subscribeOn'
  ).split(' '),
)

/** RxJS's own schedulers, which run on the clock of the machine. */
const realSchedulers = /^((async|asap|queue|animationFrame)(Scheduler)?|animationFrames)$/

/** Time and chance come through the Runtime. */
export const oneDoorToTime: Rule = {
  title: 'time and chance come only through the Runtime',
  check: files => files.filter(({ path }) => path !== RUNTIME).flatMap(timeIn),
}

function timeIn(file: SourceFile): readonly Violation[] {
  const found: Violation[] = []
  const report = (node: Node, what: string): void => {
    found.push(violation(file, node, `${what}; use the Runtime`))
  }
  for (const { specifier, names, node } of importsOf(file)) {
    if (/^(node:)?timers(\/promises)?$/.test(specifier)) report(node, specifier)
    if (/^(node:)?perf_hooks$/.test(specifier)) report(node, specifier)
    if (
      /^(node:)?crypto$/.test(specifier) &&
      (names.length === 0 || names.some(name => /random|webcrypto/i.test(name)))
    )
      report(node, `${specifier} draws numbers`)
    const scheduler = specifier === 'rxjs' ? names.find(name => realSchedulers.test(name)) : undefined
    if (scheduler !== undefined) report(node, scheduler)
  }
  walk(file, (node, parents) => {
    const global = globalRead(node, parents)
    if (global !== undefined) {
      if (timeAndChance.has(global.name)) report(node, global.name)
      else if (global.name === 'Date' && isClock(node, parents)) report(node, 'Date reads the clock')
      else if (members.get(global.name)?.test(global.member ?? '')) report(node, `${global.name}.${global.member}`)
      else if (global.name === 'Math' && global.member === undefined) report(node, 'Math as a value hides Math.random')
    }
    const call = node.type === 'CallExpression' && node.callee.type === 'Identifier' ? node.callee.name : undefined
    if (call === undefined || !timed.has(call) || !importsFromRxjs(file, call)) return
    if (!/scheduler/i.test(file.source.slice(node.start, node.end))) report(node, `${call}() without a scheduler`)
  })
  return found
}

function importsFromRxjs(file: SourceFile, name: string): boolean {
  return importsOf(file).some(({ specifier, names }) => specifier === 'rxjs' && names.includes(name))
}

/** A global that `node` reads, with the member taken of it; `undefined` for keys, types and members of other objects. */
export function globalRead(
  node: Node,
  [parent, grand]: readonly Node[],
): { name: string; member?: string } | undefined {
  if (node.type !== 'Identifier' || parent === undefined) return undefined
  const { name } = node
  if (parent.type === 'MemberExpression' && parent.property === node && !parent.computed) {
    const { object } = parent
    return object.type === 'Identifier' && globalObjects.has(object.name) ? withMember(name, parent, grand) : undefined
  }
  if (parent.type === 'Property' && parent.key === node && !parent.computed) {
    const renamed = grand?.type === 'ObjectPattern' && !parent.shorthand
    return renamed && timeAndChance.has(name) ? { name } : undefined
  }
  if ('key' in parent && (parent.key as Node | null) === node && !('computed' in parent && parent.computed))
    return undefined
  if (parent.type === 'TSTypeReference' || parent.type === 'TSQualifiedName' || parent.type === 'TSTypeQuery') {
    return undefined
  }
  if (/^(Import|Export)\w*Specifier$/.test(parent.type)) return undefined
  return withMember(name, node, parent)
}

/** `name` as read by `node`, with the member that `parent` takes of it. */
function withMember(name: string, node: Node, parent: Node | undefined): { name: string; member?: string } {
  if (parent?.type !== 'MemberExpression' || parent.object !== node) return { name }
  const { property, computed } = parent
  if (property.type === 'Identifier' && !computed) return { name, member: property.name }
  return property.type === 'Literal' && typeof property.value === 'string' ? { name, member: property.value } : { name }
}

/** Whether this mention of `Date` can read the clock; making one of a given number, and asking for one, cannot. */
function isClock(node: Node, parents: readonly Node[]): boolean {
  const [parent] = parents
  if (parent?.type === 'NewExpression' && parent.callee === node) return parent.arguments.length === 0
  if (parent?.type === 'BinaryExpression' && parent.operator === 'instanceof') return false
  if (parent?.type === 'MemberExpression' && parent.object === node && parent.property.type === 'Identifier') {
    return parent.computed || !/^(UTC|parse|prototype)$/.test(parent.property.name)
  }
  return true
}

/** Numbers are the same on every machine. */
export const exactNumbers: Rule = {
  title: 'no power operator, whose result differs between machines',
  check: files =>
    files.flatMap(file => {
      const found: Violation[] = []
      walk(file, (node, parents) => {
        const global = globalRead(node, parents)
        const power =
          (node.type === 'BinaryExpression' && node.operator === '**') ||
          (node.type === 'AssignmentExpression' && node.operator === '**=') ||
          (global?.name === 'Math' && global.member === 'pow')
        if (power) found.push(violation(file, node, 'power; multiply or shift instead'))
      })
      return found
    }),
}

/** A library neither prints nor ends the process. */
export const quietLibrary: Rule = {
  title: 'only the log writes to the console, nothing ends the process',
  check: files =>
    files.flatMap(file => {
      const found: Violation[] = []
      walk(file, (node, parents) => {
        const global = globalRead(node, parents)
        if (global?.name === 'console' && file.path !== LOG) {
          found.push(violation(file, node, 'console; take a Log'))
        }
        if (global?.name === 'process' && /^(exit|abort|kill)$/.test(global.member ?? '')) {
          found.push(violation(file, node, `process.${global.member}`))
        }
      })
      return found
    }),
}
