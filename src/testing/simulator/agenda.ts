/** Something that is to happen at a time. */
export interface Entry {
  /** When, ms of world time. */
  due: number
  /** Which of those that are due at one time comes first; unique. */
  order: number
}

/** What is to happen, by time and then by order: a binary heap. */
export class Agenda<E extends Entry> {
  private readonly heap: E[]

  constructor() {
    this.heap = []
  }

  /** How many wait. */
  get length(): number {
    return this.heap.length
  }

  /** What comes next. */
  peek(): E | undefined {
    return this.heap[0]
  }

  /** Puts an entry in its place. */
  push(entry: E): void {
    const { heap } = this
    let hole = heap.length
    heap.push(entry)
    while (hole > 0) {
      const parent = (hole - 1) >> 1
      const above = heap[parent] as E
      if (before(above, entry)) break
      heap[hole] = above
      hole = parent
    }
    heap[hole] = entry
  }

  /** Takes out what comes next. */
  pop(): E | undefined {
    const { heap } = this
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    const { length } = heap
    let hole = 0
    for (;;) {
      let child = 2 * hole + 1
      if (child >= length) break
      if (child + 1 < length && before(heap[child + 1] as E, heap[child] as E)) child++
      const below = heap[child] as E
      if (before(last, below)) break
      heap[hole] = below
      hole = child
    }
    heap[hole] = last
    return first
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order)
}
