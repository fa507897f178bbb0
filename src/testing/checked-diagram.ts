import type { MarbleValues } from './observable-kit.js'
import { invalidMarbles, parseMarbles } from './virtual-time.js'

/** Gives `diagram` when it can be read and every letter has a value. */
export function checkedDiagram(diagram: string, values: MarbleValues<unknown> | undefined): string {
  const marbles = parseMarbles(diagram)
  const unknown = values && marbles.find(({ kind, letter }) => kind === 'next' && !(letter in values))
  if (unknown !== undefined) throw invalidMarbles(diagram, `no value for ${unknown.letter}`)
  return diagram
}

/** What a letter stands for. */
export function valueOf(letter: string, values: MarbleValues<unknown> | undefined): unknown {
  return values === undefined ? letter : values[letter]
}
