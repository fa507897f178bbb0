import { createHash, type Hash } from 'node:crypto'

/** What happened in a simulation, line by line, and one number for all of it. */
export class EventLog {
  /** The lines: time in ms, who, what. */
  readonly lines: string[]
  /** Whether what happens does not count any more. */
  isClosed: boolean
  private readonly digest: Hash

  constructor() {
    this.lines = []
    this.isClosed = false
    this.digest = createHash('sha256')
  }

  /** Adds a line, and counts `bytes` into the hash. */
  add(at: number, who: string, what: string, bytes?: Uint8Array): void {
    if (this.isClosed) return
    const line = `${at.toFixed(3)} ${who} ${what}`
    this.lines.push(line)
    this.digest.update(`${line}\n`)
    if (bytes !== undefined) this.digest.update(bytes)
  }

  /** Takes no more. */
  close(): void {
    this.isClosed = true
  }

  /** SHA-256 of everything so far, 64 lower-case hexadecimal digits. */
  hash(): string {
    return this.digest.copy().digest('hex')
  }
}
