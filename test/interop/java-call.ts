import { createHash } from 'node:crypto'
import { filter, firstValueFrom, scan, takeWhile, timeout, toArray } from 'rxjs'
import type { JavaPeer, Told, ToldBytes } from './java-peer.js'

/** How a call that Java made has ended. */
export interface Ending {
  /** What it was given, as text; what is long is its length and digest. */
  readonly items: readonly string[]
  /** Class, code and text of the error, if it failed. */
  readonly error?: { readonly type: string; readonly code: number; readonly message: string }
}

/** A call that a Java process makes. */
export class JavaCall {
  readonly id: string
  private readonly peer: JavaPeer

  constructor(peer: JavaPeer, id: string) {
    this.peer = peer
    this.id = id
  }

  /** Waits for its end. */
  async ended(): Promise<Ending> {
    const told = await firstValueFrom(
      this.peer.of(this.id).pipe(
        takeWhile(({ event }) => event !== 'complete' && event !== 'error', true),
        toArray(),
        timeout({ first: 15_000 }),
      ),
    )
    const items = told.flatMap(one => (one.event === 'item' ? [textOf(one['data'] as ToldBytes)] : []))
    const last = told.at(-1)
    if (last?.event !== 'error') return { items }
    return {
      items,
      error: { type: String(last['type']), code: Number(last['code']), message: String(last['message']) },
    }
  }

  /** Waits until it was given so many items. */
  async items(count: number): Promise<void> {
    await firstValueFrom(
      this.peer.of(this.id).pipe(
        filter(({ event }) => event === 'item'),
        scan(items => items + 1, 0),
        filter(items => items === count),
        timeout({ first: 8000 }),
      ),
    )
  }

  /** The metadata of each item, as bytes; `undefined` where there is none. */
  async metadata(): Promise<readonly (Uint8Array | undefined)[]> {
    const items = await this.peer.heard(this.id, 'item')
    return items.map(item => {
      const told = item['metadata'] as ToldBytes | null
      return told === null ? undefined : new Uint8Array(Buffer.from(told.base64 ?? '', 'base64'))
    })
  }

  /** Asks for so many items more. */
  more(n: number): void {
    this.peer.say('more', this.id, { n })
  }

  /** Cancels it. */
  cancel(): void {
    this.peer.say('cancel', this.id)
  }

  /** Sends a request of a channel. */
  send(data: string): void {
    this.peer.say('send', this.id, { data })
  }

  /** Ends the requests of a channel. */
  end(): void {
    this.peer.say('end', this.id)
  }

  /** Fails the requests of a channel. */
  fail(message: string): void {
    this.peer.say('fail', this.id, { message })
  }

  /** Waits for an event. */
  until(event: string, matches?: (told: Told) => boolean): Promise<Told> {
    return this.peer.until(this.id, event, matches)
  }
}

/** Bytes that were told, as text; of long ones what {@link digestOf} gives. */
export function textOf({ length, base64, sha256 }: ToldBytes): string {
  return base64 === undefined ? `${length} bytes ${sha256}` : Buffer.from(base64, 'base64').toString()
}

/** What {@link textOf} gives for `text` when it is long. */
export function digestOf(text: string): string {
  const bytes = Buffer.from(text)
  return `${bytes.length} bytes ${createHash('sha256').update(bytes).digest('hex')}`
}
