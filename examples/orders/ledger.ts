import { appendFileSync, existsSync, openSync, readFileSync } from 'node:fs'

/**
 * What a service has done, one line an entry, in a file that outlives it: what makes its handler idempotent. A file does for
 * one process at a time; more of them need a table with a unique key.
 */
export class Ledger {
  private readonly file: number
  private readonly entered: Set<string>

  constructor(path: string) {
    this.entered = new Set(entriesOf(path))
    this.file = openSync(path, 'a')
  }

  /** Enters `id`, unless it is there already: then it was done before the message came again. */
  enter(id: string): void {
    if (this.entered.has(id)) return
    appendFileSync(this.file, `${id}\n`) // one write: a process that is killed has made it, or not
    this.entered.add(id)
  }
}

/** The entries of a ledger, in order. */
export function entriesOf(path: string): readonly string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []
}
