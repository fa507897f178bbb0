// Draws a run of the simulator: processes and links under each other on one axis of time, what went wrong in colour, calls
// as bars under who makes them.
import { element, line, moved, text, upright, widthOf } from './svg.mjs'
import { thousands } from './time-axis.mjs'

/**
 * @typedef {import('./svg.mjs').Drawing} Drawing
 *
 * @typedef {object} Span A state that lasts.
 * @property {number} from ms
 * @property {number} to ms
 * @property {'good' | 'worse' | 'bad'} mood
 * @property {string} [label] Stands in the span where there is room.
 *
 * @typedef {object} Moment
 * @property {number} at ms
 * @property {'good' | 'bad' | 'quiet'} mood
 * @property {string} label At most three characters.
 *
 * @typedef {object} Bar Something that was done, a call for one.
 * @property {number} from ms
 * @property {number | undefined} to ms; `undefined` when it was still under way at the end.
 * @property {string} label
 * @property {'completed' | 'cancelled' | 'failed'} end
 *
 * @typedef {object} TimelineLane
 * @property {string} name
 * @property {readonly Span[]} spans A later one covers earlier ones.
 * @property {readonly Moment[]} moments
 * @property {readonly Bar[]} bars Under the spans.
 *
 * @typedef {object} TimelineDiagram
 * @property {number} durationMs
 * @property {readonly TimelineLane[]} lanes
 */

const WIDTH = 620
const SPAN = 18
const BAR = 7
const STEP = 9
const MOST_ROWS = 8
const AXIS = 24

/**
 * @param {TimelineDiagram} diagram
 * @returns {Drawing}
 */
export function drawTimeline({ durationMs, lanes }) {
  const names = lanes.flatMap(({ name, bars }) => (bars.length === 0 ? [name] : [name, labelOf(bars)]))
  const left = Math.max(...names.map(widthOf), 44) + 16
  /** @type {(at: number) => number} */
  const x = at => (at / durationMs) * WIDTH
  const ticks = ticksOf(durationMs)
  const elements = []
  let height = 4
  const drawn = lanes.map(lane => {
    const { height: own, elements: parts } = drawLane(lane, { x, durationMs })
    const at = height
    height += own
    return moved(parts, left, at)
  })
  elements.push(
    moved([upright(ticks.map(x), 0, height, 'guide')], left, 0),
    ...drawn,
    moved(axis(durationMs, ticks, x), left, height),
  )
  return { width: left + WIDTH + 18, height: height + AXIS, elements }
}

/**
 * @typedef {object} Scale
 * @property {(at: number) => number} x
 * @property {number} durationMs
 */

/**
 * @param {TimelineLane} lane
 * @param {Scale} scale
 */
function drawLane({ name, spans, moments, bars }, { x, durationMs }) {
  const elements = [text(-16, SPAN / 2 + 4, name, 'end')]
  for (const { from, to } of rests(spans, durationMs)) {
    elements.push(line([x(from), SPAN / 2], [x(to), SPAN / 2], 'idle'))
  }
  for (const { from, to, mood, label = '' } of spans) {
    const width = Math.max(x(to) - x(from), 2)
    const fill = { good: 'up', worse: 'worse', bad: 'down' }[mood]
    elements.push(element('rect', { x: x(from), y: 0, width, height: SPAN, rx: 4, class: fill }))
    const room = Math.floor((width - 6) / 6.7)
    if (room >= label.length) elements.push(text(x(from) + width / 2, 13, label, 'middle small'))
  }
  for (const { at, mood, label } of moments) {
    const fill = { good: 'fill-good', bad: 'fill-bad', quiet: 'fill-quiet' }[mood]
    elements.push(element('circle', { cx: x(at), cy: SPAN / 2, r: 8, class: `marble ${fill}` }))
    elements.push(text(x(at), SPAN / 2 + 4, label, 'on small'))
  }
  const rows = packed(bars, x)
  bars.forEach((bar, index) => {
    const row = rows[index] ?? 0
    if (row >= MOST_ROWS) return
    const to = bar.to ?? durationMs
    const y = SPAN + 5 + row * STEP
    const width = Math.max(x(to) - x(bar.from), 3)
    elements.push(element('rect', { x: x(bar.from), y, width, height: BAR, rx: 2.5, class: `call ${bar.end}` }))
    if (bar.end === 'failed') {
      elements.push(element('path', { d: `M${x(to) - 2} ${y + 1}l5 5m0-5l-5 5`, class: 'failed' }))
    }
  })
  const count = Math.min(MOST_ROWS, Math.max(0, ...rows.map(row => row + 1)))
  if (bars.length > 0) elements.push(text(-16, SPAN + 12, labelOf(bars), 'end small quiet'))
  return { height: SPAN + (count > 0 ? 5 + count * STEP : 0) + 9, elements }
}

/**
 * The times between spans.
 *
 * @param {readonly Span[]} spans
 * @param {number} end
 */
function rests(spans, end) {
  let free = 0
  const rests = spans.map(({ from, to }) => {
    const rest = { from: free, to: from }
    free = Math.max(free, to)
    return rest
  })
  return [...rests, { from: free, to: end }].filter(({ from, to }) => to - from > 1)
}

/** @param {readonly Bar[]} bars */
function labelOf(bars) {
  const labels = new Set(bars.map(({ label }) => label))
  const [only = ''] = labels
  return labels.size === 1 ? only : `${bars.length} calls`
}

/**
 * The row of each bar, so that none covers another.
 *
 * @param {readonly Bar[]} bars
 * @param {(at: number) => number} x
 */
function packed(bars, x) {
  /** @type {number[]} */
  const taken = []
  return bars.map(({ from, to = Infinity }) => {
    const free = taken.findIndex(until => until + 2 <= x(from))
    const row = free < 0 ? taken.length : free
    taken[row] = Math.max(x(to), x(from) + 3)
    return row
  })
}

/**
 * @param {number} durationMs
 * @param {readonly number[]} ticks
 * @param {(at: number) => number} x
 */
function axis(durationMs, ticks, x) {
  const inSeconds = durationMs >= 5000
  return [
    text(-16, 16, inSeconds ? 's' : 'ms', 'end small quiet'),
    line([0, 0.5], [x(durationMs), 0.5], 'tick'),
    upright(ticks.map(x), 0, 3, 'tick'),
    ...ticks.map(at => text(x(at), 16, inSeconds ? String(at / 1000) : thousands(at), 'middle small quiet')),
  ]
}

/**
 * Round times, about ten.
 *
 * @param {number} durationMs
 */
function ticksOf(durationMs) {
  const rough = durationMs / 10
  const magnitude = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map(factor => factor * magnitude).find(step => step >= rough) ?? rough
  return Array.from({ length: Math.floor(durationMs / step) + 1 }, (_, index) => index * step)
}

/**
 * The diagram in words.
 *
 * @param {TimelineDiagram} diagram
 */
export function describeTimeline({ durationMs, lanes }) {
  const sentences = lanes.flatMap(({ name, spans, moments, bars }) => {
    const states = spans.map(({ from, to, mood, label }) => `${label || mood} from ${ms(from)} to ${ms(to)}`)
    const events = moments.map(({ at, label }) => `${label} at ${ms(at)}`)
    const failed = bars.filter(({ end }) => end === 'failed').length
    const cancelled = bars.filter(({ end }) => end === 'cancelled').length
    const calls =
      bars.length === 0 ? [] : [`${bars.length} calls, of which ${failed} failed and ${cancelled} were cancelled`]
    const all = [...states, ...events, ...calls]
    return all.length === 0 ? [] : [`${name}: ${all.join(', ')}.`]
  })
  return [`${ms(durationMs)} of virtual time.`, ...sentences].join(' ')
}

/** @param {number} at */
function ms(at) {
  return `${thousands(Math.round(at))} ms`
}
