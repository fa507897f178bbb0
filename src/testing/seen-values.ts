import { checkedDiagram, valueOf } from './checked-diagram.js'
import { laneDifference, laneOf } from './lane.js'
import type { MarbleValues } from './observable-kit.js'
import { sameValue } from './same-value.js'
import { valueText } from './value-text.js'
import { parseMarbles } from './virtual-time.js'

/** Something that an Observable has told. */
export interface Seen {
  /** When, ms. */
  readonly frame: number
  /** What. */
  readonly kind: 'next' | 'error' | 'complete'
  /** The item, or the error. */
  readonly value: unknown
}

/** How what was `seen` differs from `diagram`, once it has all been seen; `undefined` when it does not. */
export function seenDifference(
  diagram: string,
  values: MarbleValues<unknown> | undefined,
  failure: unknown,
  seen: readonly Seen[],
): () => string | undefined {
  const expected = parseMarbles(checkedDiagram(diagram, values)).map(({ frame, kind, letter }) => {
    const value = kind === 'next' ? valueOf(letter, values) : kind === 'error' ? failure : undefined
    return { frame, kind, letter, value }
  })
  const alike = (marble: (typeof expected)[number], { kind, value }: Seen): boolean =>
    marble.kind === kind && sameValue(marble.value, value)
  return () => {
    const notes: string[] = []
    const actual = seen.map((event, index): readonly [number, string] => {
      // Two letters may stand for one value, so the letter in this place comes first.
      const candidates = [...expected.slice(index, index + 1), ...expected]
      const marble = candidates.find(candidate => alike(candidate, event))?.letter ?? unexpected(event, values)
      if (marble === '?') notes.push(`? at ${event.frame} ms: ${event.kind} ${show(event.value)}`)
      return [event.frame, marble]
    })
    const difference = laneDifference(laneOf(expected.map(({ frame, letter }) => [frame, letter])), laneOf(actual))
    if (notes.length > 0) notes.push(...expected.filter(({ value }) => value !== undefined).map(legend))
    return difference && [difference, ...new Set(notes)].join('\n')
  }
}

/** The letter of something that was not expected anywhere. */
function unexpected({ kind, value }: Seen, values: MarbleValues<unknown> | undefined): string {
  if (kind === 'complete') return '|'
  if (kind === 'error') return '?'
  if (values === undefined) return typeof value === 'string' && value.length === 1 ? value : '?'
  return Object.keys(values).find(letter => sameValue(values[letter], value)) ?? '?'
}

function legend({ letter, value }: { readonly letter: string; readonly value: unknown }): string {
  return `${letter} = ${show(value)}`
}

/** A value as it is read, and for an error all that it says. */
function show(value: unknown): string {
  if (value === undefined) return ''
  if (!(value instanceof Error)) return valueText(value)
  return value.cause === undefined ? String(value) : `${value}, caused by ${valueText(value.cause)}`
}
