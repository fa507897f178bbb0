import type { Role } from './children.js'
import type { Count } from './plain-count.js'

/** What the job prints with `--json`, in this order. */
export interface Result extends Count {
  /** Time from the first path to the last totals. */
  readonly seconds: number
  /** Most lines that were under way at one time. */
  readonly peakInFlight: number
  /** By how much the processes grew, MB; the largest one of a role. */
  readonly rssMb: { readonly [process in Role | 'parent']: number }
}

/** The result as one line of JSON. */
export function resultJson(result: Result): string {
  const { files, lines, words, distinct, top, unreadable, seconds, peakInFlight, rssMb } = result
  return JSON.stringify({ files, lines, words, distinct, top, unreadable, seconds, peakInFlight, rssMb })
}

/** The result for a person. */
export function resultTable(result: Result): string {
  const { files, lines, words, distinct, top, unreadable, seconds, peakInFlight, rssMb } = result
  const width = Math.max(...top.map(([, count]) => show(count).length), 0)
  // The word comes last, for nobody knows how wide a terminal draws it.
  const rows = top.map(([word, count], at) => `${String(at + 1).padStart(4)}  ${show(count).padStart(width)}  ${word}`)
  const growth = Object.entries(rssMb).map(([process, mb]) => `${process} ${mb} MB`)
  const perSecond = Math.round(lines / seconds)
  return [
    ...rows,
    '',
    `${show(words)} words, ${show(distinct)} different, in ${show(lines)} lines of ${show(files)} files; ${show(unreadable)} unreadable`,
    `${seconds.toFixed(2)} s, ${show(perSecond)} lines/s, at most ${show(peakInFlight)} lines in flight`,
    `memory grew by: ${growth.join(', ')}`,
  ].join('\n')
}

/** What differs between the job's count and the plain one, a line each. */
export function differences(counted: Count, plain: Count): string[] {
  const names = ['files', 'lines', 'words', 'distinct', 'top', 'unreadable'] as const
  return names
    .map(name => ({ name, here: JSON.stringify(counted[name]), there: JSON.stringify(plain[name]) }))
    .filter(({ here, there }) => here !== there)
    .map(({ name, here, there }) => `${name}: ${here} with millrace, ${there} without`)
}

function show(count: number): string {
  return count.toLocaleString('en')
}
