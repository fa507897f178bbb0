/** What the benches send: a small record, as most calls carry. */
export interface Item {
  readonly id: number
  readonly name: string
  readonly tags: readonly string[]
}

/** The `id`-th record. */
export function itemOf(id: number): Item {
  return { id, name: 'a name of 16 chr', tags: ['red', 'large', 'new'] }
}
