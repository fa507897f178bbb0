/**
 * @typedef {object} Row What a point of the checklist came to over each network: `pass`, `fail`, or why it does not apply.
 * @property {number} number
 * @property {string} section Of the checklist, `stream ids`.
 * @property {string} title
 * @property {string} memory
 * @property {string} tcp
 * @property {string} websocket
 *
 * @typedef {object} Outcome One test of one point.
 * @property {string} network
 * @property {string} section
 * @property {string} test Its title, `12: an unknown type ends the connection`.
 * @property {'pass' | 'fail' | 'skip'} state
 * @property {string} [reason] Why it was skipped.
 */

const NETWORKS = /** @type {const} */ (['memory', 'tcp', 'websocket'])
/** Stands where a point has no test over a network. */
const MISSING = 'missing'

/**
 * One row a point, in the order of their numbers.
 *
 * @param {readonly Outcome[]} outcomes
 * @returns {Row[]}
 */
export function rowsOf(outcomes) {
  /** @type {Map<number, Row>} */
  const rows = new Map()
  for (const { network, section, test, state, reason } of outcomes) {
    const [, digits = '', title = ''] = /^(\d+): (.*)$/.exec(test) ?? []
    const number = Number(digits)
    const row = rows.get(number) ?? { number, section, title, memory: MISSING, tcp: MISSING, websocket: MISSING }
    row[/** @type {typeof NETWORKS[number]} */ (network)] = state === 'skip' ? (reason ?? 'skipped') : state
    rows.set(number, row)
  }
  return [...rows.values()].toSorted((a, b) => a.number - b.number)
}

/**
 * The rows as a table, a line each.
 *
 * @param {readonly Row[]} rows
 */
export function tableOf(rows) {
  const head = { number: '#', section: 'section', title: 'point', memory: 'memory', tcp: 'tcp', websocket: 'websocket' }
  const all = [head, ...rows]
  const columns = /** @type {const} */ ([...NETWORKS, 'section'])
  const widths = columns.map(column => Math.max(...all.map(row => row[column].length)))
  return all.map(row => {
    const cells = columns.map((column, index) => row[column].padEnd(widths[index] ?? 0))
    return `${`${row.number}`.padStart(3)}  ${cells.join('  ')}  ${row.title}`
  })
}

/**
 * How many points hold, fail, and do not apply to every network.
 *
 * @param {readonly Row[]} rows
 */
export function countRows(rows) {
  const failed = rows.filter(row => some(row, isFail) || !some(row, cell => cell === 'pass')).length
  const notApplicable = rows.filter(row => some(row, cell => cell !== 'pass' && !isFail(cell))).length
  return { points: rows.length, passed: rows.length - failed, failed, notApplicable }
}

/**
 * @param {Row} row
 * @param {(cell: string) => boolean} test
 */
function some(row, test) {
  return NETWORKS.some(network => test(row[network]))
}

/** @param {string} cell */
function isFail(cell) {
  return cell === 'fail' || cell === MISSING
}
