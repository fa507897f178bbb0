import { createHash, type Hash } from 'node:crypto'

/** Bytes that are hashed at a time: a call of the hash costs more than the bytes of a line. */
const CHUNK_BYTES = 65_536
/** Most bytes of UTF-8 that a unit of a string takes. */
const BYTES_PER_UNIT = 3

/** What happened in a simulation, line by line, and one number for all of it. */
export class EventLog {
  /** The lines: time in ms, who, what. */
  readonly lines: string[]
  /** Whether what happens does not count any more. */
  isClosed: boolean
  private readonly digest: Hash
  private readonly chunk: Buffer
  private used: number

  constructor() {
    this.lines = []
    this.isClosed = false
    this.digest = createHash('sha256')
    this.chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    this.used = 0
  }

  /** Adds a line, and counts `bytes` into the hash. */
  add(at: number, who: string, what: string, bytes?: Uint8Array): void {
    if (this.isClosed) return
    const line = `${at.toFixed(3)} ${who} ${what}`
    this.lines.push(line)
    this.count(`${line}\n`)
    if (bytes !== undefined) this.countBytes(bytes)
  }

  /** Takes no more. */
  close(): void {
    this.isClosed = true
  }

  /** SHA-256 of everything so far, 64 lower-case hexadecimal digits. */
  hash(): string {
    this.flush()
    return this.digest.copy().digest('hex')
  }

  private count(text: string): void {
    if (text.length * BYTES_PER_UNIT > CHUNK_BYTES) return this.countBytes(Buffer.from(text))
    if (this.used + text.length * BYTES_PER_UNIT > CHUNK_BYTES) this.flush()
    this.used += this.chunk.write(text, this.used)
  }

  private countBytes(bytes: Uint8Array): void {
    if (this.used + bytes.length > CHUNK_BYTES) this.flush()
    if (bytes.length > CHUNK_BYTES) {
      this.digest.update(bytes)
    } else {
      this.chunk.set(bytes, this.used)
      this.used += bytes.length
    }
  }

  private flush(): void {
    this.digest.update(this.chunk.subarray(0, this.used))
    this.used = 0
  }
}
