// Makes the diagram of a spec from what it had when it was executed.

/**
 * @typedef {import('./lane-name.mjs').Site} Site
 *
 * @typedef {import('./lane-name.mjs').LaneName} LaneName
 *
 * @typedef {import('./marble-diagram.mjs').Row} Row
 *
 * @typedef {import('./marble-diagram.mjs').Lane} Lane
 *
 * @typedef {import('./marble-diagram.mjs').MarbleDiagram} MarbleDiagram
 *
 * @typedef {object} ExecutedMarble
 * @property {number} frame
 * @property {'next' | 'error' | 'complete'} kind
 * @property {string} letter
 *
 * @typedef {object} ExecutedLane
 * @property {readonly ExecutedMarble[]} marbles
 * @property {readonly { subscribedFrame: number, unsubscribedFrame: number | null }[]} windows `null` is never.
 *
 * @typedef {object} ExecutedStream
 * @property {string} kind
 * @property {string} [name]
 * @property {readonly ExecutedLane[]} lanes
 * @property {Readonly<Record<string, string>>} values
 * @property {readonly (readonly [frame: number, letter: string])[]} [credits]
 * @property {Site} [site]
 *
 * @typedef {object} ExecutedSpec
 * @property {readonly ExecutedStream[]} streams
 */

/** A source that is subscribed more often shows the first so many. */
const MOST_LANES = 6

/**
 * @param {ExecutedSpec} spec
 * @param {(site: Site | undefined, isSource: boolean) => LaneName} nameOf
 * @returns {MarbleDiagram}
 */
export function executedDiagram({ streams }, nameOf) {
  /** @type {Map<string, Set<string>>} */
  const legend = new Map()
  /** @type {Row[]} */
  const sources = []
  /** @type {Row[]} */
  const results = []
  for (const stream of streams) {
    const isSource = !stream.kind.startsWith('expect')
    const { name, code } =
      stream.name === undefined ? nameOf(stream.site, isSource) : { name: stream.name, code: undefined }
    const labelOf = labels(stream, legend)
    const lanes = stream.lanes.map(lane => rowOf(lane, { name, labelOf, signs: isSource }))
    if (code !== undefined) results.push({ kind: 'operator', code })
    if (isSource) sources.push(...shared(lanes.filter(isSomething)), ...heldRows(stream))
    else results.push(...lanes)
  }
  return {
    rows: [...sources, ...results],
    legend: [...legend].map(([letter, values]) => ({ letter, value: [...values].join(' or ') })),
  }
}

/**
 * Gives what to write into a marble: its value where that is short, otherwise its letter, which the legend explains.
 *
 * @param {ExecutedStream} stream
 * @param {Map<string, Set<string>>} legend
 */
function labels({ values }, legend) {
  return (/** @type {string} */ letter) => {
    const value = values[letter]
    if (value === undefined) return letter
    const short = value.replace(/^'(.*)'$/, '$1')
    if (/^\w{1,2}$/.test(short) && letter !== '#') return short
    legend.set(letter, (legend.get(letter) ?? new Set()).add(value))
    return letter
  }
}

/**
 * @param {ExecutedLane} lane
 * @param {{ name: string, labelOf: (letter: string) => string, signs: boolean }} how
 * @returns {Lane}
 */
function rowOf({ marbles, windows }, { name, labelOf, signs }) {
  return {
    kind: 'lane',
    name,
    signs,
    // What a hot source did before the spec began is in nobody's sight.
    marbles: marbles
      .filter(({ frame }) => frame >= 0)
      .map(({ frame, kind, letter }) => ({ at: frame, kind, letter, label: labelOf(letter) })),
    windows: windows.map(({ subscribedFrame, unsubscribedFrame }) => {
      return { from: subscribedFrame, to: unsubscribedFrame ?? undefined }
    }),
  }
}

/** @param {Lane} lane */
function isSomething({ marbles, windows }) {
  return marbles.length > 0 || windows.length > 0
}

/**
 * Subscriptions that follow each other share a row.
 *
 * @param {readonly Lane[]} lanes
 */
function shared(lanes) {
  /** @type {Lane[]} */
  const rows = []
  for (const lane of lanes) {
    const from = lane.windows[0]?.from ?? 0
    const index = rows.findIndex(({ windows }) => windows.length > 0 && (windows.at(-1)?.to ?? Infinity) < from)
    const row = rows[index]
    if (row === undefined) rows.push(lane)
    else {
      const windows = [...row.windows, ...lane.windows]
      rows[index] = { ...row, marbles: [...row.marbles, ...lane.marbles], windows }
    }
  }
  const more = rows.length - MOST_LANES
  if (more <= 0) return rows
  const [last] = rows.slice(MOST_LANES)
  return [...rows.slice(0, MOST_LANES), .../** @type {Lane[]} */ (last ? [{ ...last, name: `… ${more} more` }] : [])]
}

/**
 * Deliveries have a row that tells when each was consumed.
 *
 * @param {ExecutedStream} stream
 * @returns {Row[]}
 */
function heldRows({ credits, lanes }) {
  if (credits === undefined) return []
  const left = [...credits]
  const items = lanes
    .flatMap(({ marbles, windows }) => (windows.length === 0 ? [] : marbles))
    .filter(({ kind }) => kind === 'next')
    .map(({ frame, letter }) => {
      const index = left.findIndex(([, consumed]) => consumed.toLowerCase() === letter)
      const [credit] = index < 0 ? [] : left.splice(index, 1)
      return { letter, from: frame, to: credit?.[0], failed: credit !== undefined && credit[1] !== letter }
    })
  return items.length === 0 ? [] : [{ kind: 'held', name: 'consumed', items }]
}
