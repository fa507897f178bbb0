// Where a moment of virtual time is drawn. A millisecond is as wide as the marbles need, a group of marbles widens its
// millisecond, and a long time in which nothing happens is cut short.

/** A longer time without anything is cut short, ms; as the text diagrams of `millrace/testing` do. */
const LONGEST_GAP = 20
/** Width of a gap that is cut short, px. */
const CUT = 56
/** A millisecond is at most so wide, px. */
const WIDEST = 34
/** What a diagram should fit into, px. */
const COMFORTABLE = 640

/** Distance of the marbles of a group, px; a little more than their width. */
export const STEP = 23

/**
 * @typedef {object} TimeAxis
 * @property {number} width From the first moment to the last, px.
 * @property {(at: number) => number} x Where the moment is, px from the first one.
 * @property {readonly { x: number, label: string }[]} labels Of the moments in which something happens.
 * @property {readonly number[]} ticks One a millisecond, where there is room.
 * @property {readonly number[]} gaps The middle of each gap that is cut short.
 */

/**
 * @param {Iterable<readonly number[]>} rows For each row the moments of its marbles, with repetition.
 * @param {Iterable<number>} moments Other moments that matter.
 * @returns {TimeAxis}
 */
export function timeAxis(rows, moments) {
  /** @type {Map<number, number>} */
  const sizes = new Map([[0, 1]])
  for (const at of moments) sizes.set(at, Math.max(sizes.get(at) ?? 1, 1))
  let nearest = Infinity
  for (const row of rows) {
    const counts = countsOf(row)
    for (const [at, count] of counts) sizes.set(at, Math.max(sizes.get(at) ?? 1, count))
    const order = [...counts.keys()].toSorted((a, b) => a - b)
    order.forEach((at, index) => (nearest = Math.min(nearest, at - (order[index - 1] ?? -Infinity))))
  }
  const order = [...sizes.keys()].toSorted((a, b) => a - b)
  const steps = order.map((at, index) => at - (order[index - 1] ?? at))
  const drawn = steps.filter(step => step <= LONGEST_GAP).reduce((sum, step) => sum + step, 0)
  const unit = Math.min(WIDEST, Math.max(STEP / Math.max(1, Math.min(nearest, 8)), COMFORTABLE / Math.max(1, drawn)))

  /** @type {Map<number, number>} */
  const xs = new Map()
  const ticks = [0]
  /** @type {number[]} */
  const gaps = []
  let x = 0
  order.forEach((at, index) => {
    const step = steps[index] ?? 0
    const before = order[index - 1]
    if (before !== undefined) {
      x += ((sizes.get(before) ?? 1) - 1) * STEP
      if (step > LONGEST_GAP) {
        gaps.push(x + CUT / 2)
        x += CUT
      } else {
        for (let tick = 1; tick <= step; tick++) ticks.push(x + tick * unit)
        x += step * unit
      }
    }
    xs.set(at, x)
  })
  const last = order.at(-1) ?? 0
  const width = x + ((sizes.get(last) ?? 1) - 1) * STEP
  return {
    width,
    x: at => xs.get(at) ?? width,
    labels: labelsOf(order, xs),
    ticks: unit >= 8 ? ticks : [...xs.values()],
    gaps,
  }
}

/**
 * The labels that find room, from left to right.
 *
 * @param {readonly number[]} order
 * @param {ReadonlyMap<number, number>} xs
 */
function labelsOf(order, xs) {
  /** @type {{ x: number, label: string }[]} */
  const labels = []
  let free = -Infinity
  for (const at of order) {
    const x = xs.get(at) ?? 0
    const label = thousands(at)
    const half = label.length * 3.4
    if (x - half < free) continue
    labels.push({ x, label })
    free = x + half + 6
  }
  return labels
}

/**
 * A number with a thin space for each thousand.
 *
 * @param {number} value
 */
export function thousands(value) {
  return String(value).replace(/\B(?=(\d{3})+$)/g, '\u2009')
}

/** @param {readonly number[]} row */
function countsOf(row) {
  /** @type {Map<number, number>} */
  const counts = new Map()
  for (const at of row) counts.set(at, (counts.get(at) ?? 0) + 1)
  return counts
}
