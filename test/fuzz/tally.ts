/** What became of the frames of a run. */
export interface Tally {
  /** Frames that were read, by what became of them. */
  readonly outcomes: Map<string, number>
  /** Frames that were read. */
  frames: number
  /** Frames behind one that ended the connection. */
  unread: number
  /** Hostile connections, by who was attacked. */
  readonly connections: { client: number; server: number }
  /** What must not happen and did, each once. */
  readonly failures: Set<string>
}

/** A tally of nothing. */
export function newTally(): Tally {
  return { outcomes: new Map(), frames: 0, unread: 0, connections: { client: 0, server: 0 }, failures: new Set() }
}

/** Counts a frame that was read. */
export function count(tally: Tally, outcome: string): void {
  tally.frames++
  tally.outcomes.set(outcome, (tally.outcomes.get(outcome) ?? 0) + 1)
}

/** The outcomes of a tally, by name. */
export function outcomesOf({ outcomes }: Tally): Record<string, number> {
  return Object.fromEntries([...outcomes].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
