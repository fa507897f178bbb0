// Draws what a marble spec had: its sources, the operator, and what came out, under each other on one axis of time.
import { HUES } from './palette.mjs'
import { cut, element, line, moved, text, upright, widthOf, wrapped } from './svg.mjs'
import { STEP, thousands, timeAxis } from './time-axis.mjs'

/**
 * @typedef {import('./svg.mjs').Drawing} Drawing
 *
 * @typedef {import('./time-axis.mjs').TimeAxis} TimeAxis
 *
 * @typedef {object} Marble
 * @property {number} at When, ms.
 * @property {'next' | 'error' | 'complete'} kind
 * @property {string} letter Gives the colour.
 * @property {string} label Stands in the marble, at most three characters.
 *
 * @typedef {object} Window When something was subscribed.
 * @property {number} from ms
 * @property {number | undefined} to ms; `undefined` when it was not unsubscribed and did not end.
 *
 * @typedef {object} Lane What a stream emitted.
 * @property {'lane'} kind
 * @property {string} name
 * @property {readonly Marble[]} marbles In order.
 * @property {readonly Window[]} windows When it was subscribed; marbles outside of them are pale.
 * @property {boolean} [signs] Whether subscribing and unsubscribing are signed as in a diagram of text, `^` and `!`.
 *
 * @typedef {object} Held What became of items: each is a bar from its arrival to its consumption.
 * @property {'held'} kind
 * @property {string} name
 * @property {readonly HeldItem[]} items
 *
 * @typedef {object} HeldItem
 * @property {string} letter
 * @property {number} from ms
 * @property {number | undefined} to ms; `undefined` when it was never consumed.
 * @property {boolean} failed Whether it was let go of with an error.
 *
 * @typedef {object} Operator What lies between the sources above and the lanes below.
 * @property {'operator'} kind
 * @property {string} code
 *
 * @typedef {Lane | Held | Operator} Row
 *
 * @typedef {object} MarbleDiagram
 * @property {readonly Row[]} rows
 * @property {readonly { letter: string, value: string }[]} legend What letters stand for.
 */

const RADIUS = 10
const LANE = 38
const AXIS = 24
const HELD = 21
const LEGEND = 18
const MOST_NAME = 26

/**
 * @param {MarbleDiagram} diagram
 * @returns {Drawing}
 */
export function drawMarbles({ rows, legend }) {
  const axis = timeAxis(
    rows.flatMap(row => (row.kind === 'lane' ? [row.marbles.map(({ at }) => at)] : [])),
    rows.flatMap(momentsOf),
  )
  const hues = huesOf(rows)
  const left = Math.max(...rows.map(row => (row.kind === 'operator' ? 0 : widthOf(cut(row.name, MOST_NAME)))), 44) + 24
  const right = left + axis.width + RADIUS + 22
  const codes = rows.flatMap(row => (row.kind === 'operator' ? [widthOf(row.code) + 26] : []))
  const width = Math.max(right, 388, Math.min(560, ...[Math.max(0, ...codes)]))
  /** @type {string[]} */
  const below = []
  /** @type {string[]} */
  const above = []
  let height = 2
  for (const row of rows) {
    const drawn = row.kind === 'operator' ? operator(row, width) : named(row, { axis, left, hues })
    const at = row.kind === 'operator' ? 0 : left
    above.push(moved(drawn.elements, at, height))
    if (row.kind !== 'operator') below.push(moved(guides(axis, drawn.height), left, height))
    height += drawn.height
  }
  above.push(moved(axisOf(axis), left, height))
  height += AXIS
  for (const entry of legend) {
    const [first = '', ...others] = wrapped(`${entry.letter} = ${entry.value}`, width - 8, 3)
    above.push(text(0, height + 12, first, 'small quiet'))
    height += LEGEND
    for (const more of others) {
      above.push(text(29, height + 10, more, 'small quiet'))
      height += LEGEND - 2
    }
  }
  return { width, height, elements: [...below, ...above] }
}

/**
 * @typedef {object} Plot
 * @property {TimeAxis} axis
 * @property {number} left Room for names, px.
 * @property {ReadonlyMap<string, number>} hues
 */

/**
 * A row with its name to the left of the axis.
 *
 * @param {Lane | Held} row
 * @param {Plot} plot
 */
function named(row, plot) {
  const drawn = row.kind === 'lane' ? lane(row, plot) : held(row, plot)
  const name = text(-24, drawn.middle + 4, cut(row.name, MOST_NAME), row.kind === 'held' ? 'end small quiet' : 'end')
  return { height: drawn.height, elements: [name, ...drawn.elements] }
}

/**
 * @param {Lane} row
 * @param {Plot} plot
 */
function lane({ marbles, windows, signs = false }, { axis, hues }) {
  const middle = 15
  const end = axis.width + RADIUS + 16
  const elements = []
  const ended = marbles.find(({ kind }) => kind !== 'next')
  const idle = marbles.filter(({ at }) => !windows.some(window => within(window, at)))
  if (idle.length > 0) {
    const first = Math.min(...idle.map(({ at }) => axis.x(at)))
    const last = Math.max(...idle.map(({ at }) => axis.x(at)))
    elements.push(line([first - RADIUS, middle], [last + RADIUS, middle], 'idle'))
  }
  const places = placed(marbles, axis)
  for (const { from, to } of windows) {
    const closing = places.findLast(({ marble }) => marble.at === to)
    const until = to === undefined ? end : Math.max(axis.x(to), closing?.x ?? 0)
    elements.push(line([axis.x(from), middle], [until, middle], 'line'))
    if (to === undefined) elements.push(element('path', { d: `M${end - 6} ${middle - 4}l6 4l-6 4`, class: 'line' }))
    if (signs || from > 0) elements.push(text(axis.x(from), middle + 22, '^', 'middle small quiet'))
    if (to !== undefined && (signs || to !== ended?.at)) {
      elements.push(text(from === to ? axis.x(to) + 8 : axis.x(to), middle + 21, '!', 'middle small quiet'))
      if (closing === undefined) elements.push(line([until, middle - 5], [until, middle + 5], 'line'))
    }
  }
  const idleAt = idle.map(({ at }) => at)
  const extents = [
    ...windows.map(({ from, to }) => ({ from: axis.x(from), to: to === undefined ? end : axis.x(to) })),
    ...(idle.length === 0 ? [] : [{ from: axis.x(Math.min(...idleAt)), to: axis.x(Math.max(...idleAt)) }]),
  ]
  for (const x of axis.gaps) {
    if (extents.some(({ from, to }) => from < x && x < to)) elements.push(...gap(x, middle))
  }
  elements.push(...groups(places, middle))
  for (const { marble, x } of places) {
    const seen = windows.some(window => within(window, marble.at))
    const shape = marbleShape(marble, { x, y: middle, hue: hues.get(marble.letter) ?? 0 })
    elements.push(seen ? shape : element('g', { class: 'unseen' }, shape))
  }
  return { height: LANE, middle, elements }
}

/**
 * Marbles of one moment beside each other, in their order.
 *
 * @param {readonly Marble[]} marbles
 * @param {TimeAxis} axis
 */
function placed(marbles, axis) {
  /** @type {Map<number, number>} */
  const counts = new Map()
  return marbles.map(marble => {
    const index = counts.get(marble.at) ?? 0
    counts.set(marble.at, index + 1)
    return { marble, x: axis.x(marble.at) + index * STEP }
  })
}

/**
 * A capsule around the marbles of one moment.
 *
 * @param {readonly { marble: Marble, x: number }[]} places
 * @param {number} y
 */
function groups(places, y) {
  const moments = new Set(places.map(({ marble }) => marble.at))
  return [...moments].flatMap(at => {
    const xs = places.filter(({ marble }) => marble.at === at).map(({ x }) => x)
    if (xs.length < 2) return []
    const x = Math.min(...xs) - RADIUS - 2.5
    const width = Math.max(...xs) - Math.min(...xs) + 2 * RADIUS + 5
    return [element('rect', { x, y: y - RADIUS - 3, width, height: 2 * RADIUS + 6, rx: RADIUS + 3, class: 'group' })]
  })
}

/**
 * @param {Marble} marble
 * @param {{ x: number, y: number, hue: number }} place
 */
function marbleShape({ kind, label }, { x, y, hue }) {
  if (kind === 'complete') return line([x, y - RADIUS], [x, y + RADIUS], 'stop')
  if (kind === 'error') return element('path', { d: `M${x - 6} ${y - 6}l12 12m0-12l-12 12`, class: 'cross' })
  return (
    element('circle', { cx: x, cy: y, r: RADIUS, class: `marble c${hue}` }) +
    text(x, y + 4, label, label.length > 2 ? 'ink small' : 'ink')
  )
}

/**
 * @param {Held} row
 * @param {Plot} plot
 */
function held({ items }, { axis, hues }) {
  const end = axis.width + RADIUS + 16
  const bars = packed(items)
  const elements = items.flatMap((item, index) => {
    const y = 11 + (bars[index] ?? 0) * HELD
    const hue = hues.get(item.letter) ?? 0
    const x = item.to === undefined ? end : axis.x(item.to)
    const bar = line([axis.x(item.from), y], [x, y], `held s${hue}`)
    if (item.to === undefined) return [bar]
    const token = element('circle', { cx: x, cy: y, r: 8, class: `${item.failed ? 'failed' : 'marble'} c${hue}` })
    const cross = item.failed ? [element('path', { d: `M${x + 12} ${y - 4}l7 7m0-7l-7 7`, class: 'failed' })] : []
    return [bar, token, ...cross, text(x, y + 4, item.letter, 'ink small')]
  })
  const height = (Math.max(0, ...bars) + 1) * HELD + 10
  return { height, middle: (height - 10) / 2, elements }
}

/**
 * The sub-row of each item, so that none covers another.
 *
 * @param {readonly HeldItem[]} items
 */
function packed(items) {
  /** @type {number[]} */
  const taken = []
  return items.map(({ from, to = Infinity }) => {
    const free = taken.findIndex(until => until < from)
    const row = free < 0 ? taken.length : free
    taken[row] = to
    return row
  })
}

/**
 * @param {Operator} row
 * @param {number} width
 */
function operator({ code }, width) {
  const lines = wrapped(code, width - 24, 4)
  const height = lines.length * 16 + 12
  const box = element('rect', { x: 0.5, y: 6.5, width: width - 1, height, rx: 6, class: 'box' })
  const words = lines.map((words, index) => text(width / 2, 24 + index * 16, words.replaceAll('\u00a0', ' '), 'middle'))
  return { height: height + 20, elements: [box, ...words] }
}

/**
 * @param {TimeAxis} axis
 * @param {number} height
 */
function guides({ labels }, height) {
  return [
    upright(
      labels.map(({ x }) => x),
      -4,
      height - 4,
      'guide',
    ),
  ]
}

/** @param {TimeAxis} axis */
function axisOf({ width, labels, ticks, gaps }) {
  return [
    text(-24, 16, 'ms', 'end small quiet'),
    line([0, 0.5], [width, 0.5], 'tick'),
    upright(ticks, 0, 3, 'tick'),
    ...gaps.flatMap(x => gap(x, 0.5)),
    ...labels.map(({ x, label }) => text(x, 16, label, 'middle small quiet')),
  ]
}

/**
 * Two strokes through a line where time is left out.
 *
 * @param {number} x
 * @param {number} y
 */
function gap(x, y) {
  return [
    line([x - 4, y], [x + 4, y], 'gap'),
    line([x - 6, y + 5], [x - 1, y - 5], 'line'),
    line([x + 1, y + 5], [x + 6, y - 5], 'line'),
  ]
}

/**
 * @param {Row} row
 * @returns {readonly number[]}
 */
function momentsOf(row) {
  if (row.kind === 'lane') return row.windows.flatMap(({ from, to }) => (to === undefined ? [from] : [from, to]))
  if (row.kind === 'held') return row.items.flatMap(({ from, to }) => (to === undefined ? [from] : [from, to]))
  return []
}

/**
 * A colour for each letter, in the order in which they appear.
 *
 * @param {readonly Row[]} rows
 */
function huesOf(rows) {
  /** @type {Map<string, number>} */
  const hues = new Map()
  for (const row of rows) {
    const letters = row.kind === 'lane' ? row.marbles.filter(({ kind }) => kind === 'next') : []
    for (const { letter } of letters) if (!hues.has(letter)) hues.set(letter, hues.size % HUES)
  }
  return hues
}

/**
 * @param {Window} window
 * @param {number} at
 */
function within({ from, to = Infinity }, at) {
  return at >= from && at <= to
}

/**
 * The diagram in words.
 *
 * @param {MarbleDiagram} diagram
 */
export function describeMarbles({ rows, legend }) {
  const sentences = rows.map(row => {
    if (row.kind === 'operator') return `Then ${row.code.replaceAll('\u00a0', ' ')}.`
    if (row.kind === 'held') return `${row.name}: ${listed(row.items.map(heldWords))}.`
    const windows = row.windows.map(({ from, to }) => {
      return to === undefined ? `from ${ms(from)} on` : `from ${ms(from)} to ${ms(to)}`
    })
    const subscribed = windows.length === 0 ? 'never subscribed' : `subscribed ${listed(windows)}`
    return `${row.name}, ${subscribed}: ${listed(row.marbles.map(marbleWords))}.`
  })
  const letters = legend.map(({ letter, value }) => `${letter} is ${value}.`)
  return [...sentences, ...letters].join(' ')
}

/** @param {HeldItem} item */
function heldWords({ letter, to, failed }) {
  if (to === undefined) return `${letter} never`
  return `${letter}${failed ? ' let go of with an error' : ''} at ${ms(to)}`
}

/** @param {Marble} marble */
function marbleWords({ at, kind, label }) {
  return `${kind === 'next' ? label : kind === 'error' ? 'error' : 'end'} at ${ms(at)}`
}

/** @param {readonly string[]} words */
function listed(words) {
  return words.length === 0 ? 'nothing' : words.join(', ')
}

/** @param {number} at */
function ms(at) {
  return `${thousands(at)} ms`
}
