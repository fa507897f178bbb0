/** How a scenario went. */
export interface Outcome {
  /** What happened. */
  readonly scenario: string
  /** Messages that were to be published. */
  readonly published: number
  /** Those of them that the broker has confirmed. */
  readonly confirmed: number
  /** Those that failed. */
  readonly refused: number
  /** Those that were processed. */
  readonly received: number
  /** How often one of these was processed again. */
  readonly duplicates: number
  /** Most that this may be. */
  readonly maxDuplicates: number
  /** From the first that was published to the last that was processed, s. */
  readonly seconds: number
  /** What else was seen. */
  readonly notes: readonly string[]
  /** What went wrong, a sentence each. */
  readonly failures: readonly string[]
}
