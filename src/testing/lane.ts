/** What happened when: for each frame the marbles of that frame, in order. One line of a marble diagram. */
export type Lane = ReadonlyMap<number, readonly string[]>

/** A longer gap in all lanes is written as a time, ` 5000ms `. */
const LONGEST_GAP = 20

/** Makes a lane of marbles and their frames. */
export function laneOf(marbles: Iterable<readonly [frame: number, marble: string]>): Lane {
  const lane = new Map<number, string[]>()
  for (const [frame, marble] of marbles) {
    const group = lane.get(frame)
    if (group === undefined) lane.set(frame, [marble])
    else group.push(marble)
  }
  return lane
}

/**
 * Two lanes as diagrams under each other, with a caret below the first frame in which they differ;
 * `undefined` when they are equal.
 *
 * ```
 * expected  --a--b--|
 * actual    --a---b-|
 *                ^ 5 ms
 * ```
 */
export function laneDifference(expected: Lane, actual: Lane): string | undefined {
  const frames = [...new Set([...expected.keys(), ...actual.keys()])].toSorted((a, b) => a - b)
  const different = frames.find(frame => group(expected, frame) !== group(actual, frame))
  if (different === undefined) return undefined
  const columns = new Map<number, number>()
  const lines = draw([expected, actual], frames, columns)
  const caret = ' '.repeat(columns.get(different) ?? 0)
  return `expected  ${lines[0]}\nactual    ${lines[1]}\n          ${caret}^ ${different} ms`
}

/** Draws lanes so that a frame begins in the same column of each; a group may push later frames to the right. */
function draw(lanes: readonly Lane[], frames: readonly number[], columns: Map<number, number>): string[] {
  const lines = lanes.map(() => '')
  let drawn = 0 // frames before this one are drawn …
  let column = 0 // … and it would begin here
  const fill = (width: number, filler: string): void => {
    lines.forEach((line, index) => (lines[index] = line.padEnd(width, filler)))
  }
  for (const frame of frames) {
    const longest = Math.max(...lines.map(line => line.length))
    const due = column + frame - drawn
    let start = Math.max(longest, due)
    if (start - longest > LONGEST_GAP) {
      fill(longest, '-')
      lines.forEach((line, index) => (lines[index] = `${line} ${start - longest}ms `))
      start = Math.max(...lines.map(line => line.length))
    } else {
      fill(due, '-')
      fill(start, ' ') // beside a group: no time passes
    }
    columns.set(frame, start)
    lanes.forEach((lane, index) => (lines[index] += group(lane, frame) ?? '-'))
    drawn = frame + 1
    column = start + 1
  }
  return lines.map(line => line.replace(/[- ]+$/, ''))
}

function group(lane: Lane, frame: number): string | undefined {
  const marbles = lane.get(frame)
  if (marbles === undefined) return undefined
  return marbles.length === 1 ? marbles[0] : `(${marbles.join('')})`
}
