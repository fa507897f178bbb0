// What the author of a spec calls a source or a result, and what lies between them: both are read in the spec, at the
// place where the call of the kit is written.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'oxc-parser'

/**
 * @typedef {readonly [file: string, line: number, column: number]} Site
 *
 * @typedef {{ type: string, start: number, end: number } & Record<string, unknown>} Node
 *
 * @typedef {object} Spec A file, parsed.
 * @property {string} source
 * @property {ReadonlyMap<number, readonly Node[]>} calls By where a debugger sees them: the nodes from the call outwards.
 * @property {readonly { name: string, init: Node }[]} variables In their order.
 *
 * @typedef {object} LaneName
 * @property {string} name
 * @property {string | undefined} code What is expected of something, as it is written; sources have none.
 */

const LONGEST_NAME = 20
const LONGEST_CODE = 260

/**
 * Reads names in the specs below `root`.
 *
 * @param {string} root
 * @returns {(site: Site | undefined, isSource: boolean) => LaneName}
 */
export function laneNames(root) {
  /** @type {Map<string, Spec>} */
  const specs = new Map()
  return (site, isSource) => {
    if (site === undefined) return { name: isSource ? 'source' : 'result', code: undefined }
    const [file, line, column] = site
    const spec = specs.get(file) ?? parsed(readFileSync(join(root, file), 'utf8'))
    specs.set(file, spec)
    const path = spec.calls.get(offsetOf(spec.source, line, column)) ?? []
    const given = givenLane(spec, path)
    if (given !== undefined) return given
    return isSource ? { name: sourceName(spec, path), code: undefined } : resultName(spec, path)
  }
}

/**
 * @param {string} source
 * @returns {Spec}
 */
function parsed(source) {
  /** @type {Map<number, readonly Node[]>} */
  const calls = new Map()
  /** @type {{ name: string, init: Node }[]} */
  const variables = []
  /** @type {(node: Node, path: readonly Node[]) => void} */
  const visit = (node, path) => {
    const here = [node, ...path]
    if (node.type === 'CallExpression') {
      const callee = /** @type {Node} */ (node['callee'])
      const property = callee.type === 'MemberExpression' ? /** @type {Node} */ (callee['property']) : callee
      calls.set(property.start, here)
    }
    if (node.type === 'VariableDeclarator' && isNode(node['init'])) {
      variables.push({ name: nameOf(node['id']) ?? '', init: node['init'] })
    }
    for (const child of Object.values(node).flat()) if (isNode(child)) visit(child, here)
  }
  visit(/** @type {Node} */ (/** @type {unknown} */ (parseSync('spec.ts', source).program)), [])
  return { source, calls, variables }
}

/** What the lanes of services, brokers and selectors are called, by the member of the kit. */
const GIVEN_LANES = new Map([
  ['requests', 'requests'],
  ['demand', 'demand'],
  ['expectReplies', 'replies'],
  ['expectRequests', 'at the handler'],
  ['publish', 'published'],
  ['expectDeliveries', 'delivered'],
  ['snapshots', 'snapshots'],
  ['outcomes', 'outcomes'],
  ['picks', 'picks'],
  ['expectPicks', 'picked'],
])

/**
 * A lane of a service, a broker or a selector has a name of its own, with that of its caller before it where there are
 * several. Before the replies stands the endpoint.
 *
 * @param {Spec} spec
 * @param {readonly Node[]} path
 * @returns {LaneName | undefined}
 */
function givenLane({ calls }, [call]) {
  const callee = call && /** @type {Node} */ (call['callee'])
  const isMember = callee?.type === 'MemberExpression'
  const member = nameOf(isMember ? callee['property'] : callee) ?? ''
  const lane = GIVEN_LANES.get(member)
  if (call === undefined || lane === undefined) return undefined
  const caller = isMember ? nameOf(callee['object']) : undefined
  const name = caller === undefined ? lane : `${caller} ${lane}`
  if (member !== 'expectReplies' || caller !== undefined) return { name, code: undefined }
  const givens = [...calls.values()].flatMap(([other]) => (other && isGiven(other) ? [other] : []))
  const last = givens.findLast(({ start }) => start < call.start)
  const [, endpoint] = /** @type {readonly Node[]} */ (last?.['arguments'] ?? [])
  return { name, code: typeof endpoint?.['value'] === 'string' ? endpoint['value'] : undefined }
}

/** @param {Node} call */
function isGiven(call) {
  return nameOf(call['callee']) === 'given'
}

/**
 * A source is called as the variable or the field that it is the value of, or else as what it was made of.
 *
 * @param {Spec} spec
 * @param {readonly Node[]} path
 */
function sourceName({ source }, [call, ...outer]) {
  for (const [index, node] of outer.entries()) {
    if (node.type === 'VariableDeclarator' || node.type === 'Property') {
      const name = nameOf(node['id'] ?? node['key'])
      if (name !== undefined) return name
    } else if (node.type === 'ArrowFunctionExpression') {
      if (outer[index + 1]?.type === 'CallExpression') return 'inner'
    } else if (
      !['ArrayExpression', 'ConditionalExpression', 'TSAsExpression', 'ParenthesizedExpression'].includes(node.type)
    ) {
      break
    }
  }
  const [first] = /** @type {readonly unknown[]} */ (call?.['arguments'] ?? [])
  const name = isNode(first) && first.type === 'Identifier' ? textOf(source, first) : 'source'
  if (name !== 'diagram') return name
  // The parameter of a helper, which is called as what it helps with.
  return outer.map(node => nameOf(node['id'] ?? node['key'])).find(helper => helper !== undefined) ?? 'source'
}

/**
 * A result is called as what is expected, and lies behind what that variable was set to.
 *
 * @param {Spec} spec
 * @param {readonly Node[]} path
 * @returns {LaneName}
 */
function resultName({ source, variables }, [call]) {
  const [given] = /** @type {readonly unknown[]} */ (call?.['arguments'] ?? [])
  if (!isNode(given)) return { name: 'result', code: undefined }
  if (given.type === 'Identifier') {
    const name = textOf(source, given)
    const init = variables.findLast(variable => variable.name === name && variable.init.end < given.start)?.init
    return { name, code: init && codeOf(source, init) }
  }
  const code = codeOf(source, given)
  const [, callee] = /^(\w+)\('[^']*'\)$/.exec(code ?? '') ?? []
  if (callee !== undefined) return { name: callee, code: undefined } // a helper that is given a diagram
  const base = rootOf(given)
  const text = textOf(source, base)
  const isNamed = (base === given || base.type !== 'Identifier') && !/^(?:\w+\.)?(?:cold|hot|deliveries)\(/.test(text)
  const root = isNamed ? text : ''
  const name =
    root !== '' && root.length <= LONGEST_NAME && !/['"\n]/.test(root) && root !== code?.split('(')[0] ? root : 'result'
  return { name, code: name === code ? undefined : code }
}

/**
 * What `.pipe` is called on, if it is.
 *
 * @param {Node} node
 * @returns {Node}
 */
function rootOf(node) {
  const callee = node['callee']
  if (node.type !== 'CallExpression' || !isNode(callee) || callee.type !== 'MemberExpression') return node
  const { object, property } = callee
  return isNode(object) && nameOf(property) === 'pipe' ? rootOf(object) : node
}

/**
 * The text of an expression on one line, the bodies of its functions left out; `undefined` when that says nothing.
 *
 * @param {string} source
 * @param {Node} node
 */
function codeOf(source, node) {
  /** @type {Node[]} */
  const bodies = []
  /** @type {(node: Node) => void} */
  const visit = node => {
    if (node.type === 'BlockStatement') bodies.push(node)
    else for (const child of Object.values(node).flat()) if (isNode(child)) visit(child)
  }
  visit(node)
  let code = ''
  let end = node.start
  for (const body of bodies.toSorted((a, b) => a.start - b.start)) {
    code += `${source.slice(end, body.start)}{ … }`
    end = body.end
  }
  code = (code + source.slice(end, node.end))
    .replace(/\s*\/\/.*$/gm, '')
    .replace(/\s+/g, ' ')
    .replace(/,? ([)\]])/g, '$1')
    .replace(/([([]) /g, '$1')
    .replace(/ \.pipe/g, '.pipe')
    .replace(/\b(?:\w+\.)?(?:cold|hot|deliveries)\('[^']*'\)/g, 'source')
    .replace(/\b(?:\w+\.)?(?:cold|hot|deliveries)\((\w+)(?:, \w+)*\)/g, '$1')
    .replace(/\{[^{}]{0,40}\}|\S* =>/g, part => part.replaceAll(' ', '\u00a0'))
  return code.length > LONGEST_CODE || /^new \w/.test(code) ? undefined : code
}

/** @param {unknown} node */
function nameOf(node) {
  return isNode(node) && node.type === 'Identifier' ? String(node['name']) : undefined
}

/**
 * @param {string} source
 * @param {Node} node
 */
function textOf(source, { start, end }) {
  return source.slice(start, end)
}

/**
 * @param {unknown} value
 * @returns {value is Node}
 */
function isNode(value) {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value
}

/**
 * @param {string} source
 * @param {number} line
 * @param {number} column
 */
function offsetOf(source, line, column) {
  let start = 0
  for (let count = 1; count < line; count++) start = source.indexOf('\n', start) + 1
  return start + column - 1
}
