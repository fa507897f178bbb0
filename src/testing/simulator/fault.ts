/** What can go wrong in a simulated cluster. */
export type FaultKind =
  | 'partition'
  | 'reset'
  | 'slowLink'
  | 'crash'
  | 'vanish'
  | 'restart'
  | 'slow'
  | 'skew'
  | 'registryOutage'
  | 'brokerOutage'
  | 'registryCompaction'
  | 'registryWipe'

/** One thing that goes wrong, from when on, and for how long. */
export interface Fault {
  /**
   * `partition`: nothing passes between two, and nobody is told. `reset`: their connections break.
   * `slowLink`: everything between them takes twenty times as long. `crash`: a process ends at once, its machine closes
   * its connections; `vanish`: nobody closes them, so that they are half open. `restart`: it is told to stop, has until
   * the end of the fault, and is started again, as after `crash` and `vanish`. `slow`: each of its events takes it
   * 5 ms. `skew`: its clock is ahead by `ms`, from its first start. `registryOutage` and `brokerOutage`: it is down, and
   * keeps what it has. `registryWipe`: it is down, and comes back with nothing. `registryCompaction`: it forgets every
   * change at once, so that who misses one cannot catch up.
   */
  readonly kind: FaultKind
  /** A process; for links two of them. `registry` and `broker` are names, too. */
  readonly targets: readonly string[]
  /** When it begins, ms. */
  readonly at: number
  /** How long it lasts, ms; 0 for `reset`, which is over at once. */
  readonly ms: number
}

/** Where faults of one kind are drawn as marbles, and by which letter. */
export interface FaultLetter {
  /** The method of the world. */
  readonly lane: 'link' | 'process' | 'registry' | 'broker'
  /** The letter at which it begins; `o` ends it. */
  readonly letter: string
}

/** The letters of faults. A skew has none. */
export const faultLetters: { readonly [K in Exclude<FaultKind, 'skew'>]: FaultLetter } = {
  partition: { lane: 'link', letter: 'x' },
  reset: { lane: 'link', letter: 'r' },
  slowLink: { lane: 'link', letter: 'z' },
  crash: { lane: 'process', letter: 'x' },
  vanish: { lane: 'process', letter: 'h' },
  restart: { lane: 'process', letter: 's' },
  slow: { lane: 'process', letter: 'z' },
  registryOutage: { lane: 'registry', letter: 'x' },
  brokerOutage: { lane: 'broker', letter: 'x' },
  registryCompaction: { lane: 'registry', letter: 'c' },
  registryWipe: { lane: 'registry', letter: 'w' },
}

/** Every kind of fault, in the order in which they are drawn. */
export const faultKinds: readonly FaultKind[] = [
  'partition',
  'reset',
  'slowLink',
  'crash',
  'vanish',
  'restart',
  'slow',
  'skew',
  'registryOutage',
  'brokerOutage',
  'registryCompaction',
  'registryWipe',
]
