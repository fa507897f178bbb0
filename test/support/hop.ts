import { Observable, tap } from 'rxjs'
import type { Runtime } from 'millrace/core'
import { CreditWindow, deliver, pump, type Pump, type Stalled } from 'millrace/streams'

/** Options of {@link hop}. */
export interface HopOptions {
  /** Carries everything that crosses, in later turns, in order. */
  readonly runtime: Runtime
  /** Named by errors and stalls. @default 'hop' */
  readonly name?: string
  /** Items the receiver lets the sender be ahead. @default 16 */
  readonly window?: number
  /** Told of stalls of the sender. @default fails the test */
  readonly onStalled?: (event: Stalled) => void
}

/** A stream that crosses from one process to another, simulated, with its books. */
export interface Hop<T> extends Observable<T> {
  readonly books: HopBooks
  /** Whether the way out of the sender is free. */
  open(ready: boolean): void
}

/** What has crossed, in items. */
export interface HopBooks {
  /** Taken from the source by the sender. */
  taken: number
  /** Arrived at the receiver. */
  arrived: number
  /** Consumed by the receiver, plainly or with an error. */
  consumed: number
  /** Consumed with an error. */
  failed: number
  /** Consumed more than once. */
  doubled: number
  /** Sent without credit. */
  uncredited: number
  /** The most that was taken and not yet consumed. */
  ahead: number
}

/** Lets `source` cross: pump, credit window and deliveries are the real ones, the socket is a queue of later turns. */
export function hop<T>(source: Observable<T>, options: HopOptions): Hop<T> {
  const { runtime, name = 'hop', window = 16 } = options
  const onStalled = options.onStalled ?? unexpectedStall
  const books: HopBooks = { taken: 0, arrived: 0, consumed: 0, failed: 0, doubled: 0, uncredited: 0, ahead: 0 }
  let ready = true
  let sender: Pump | undefined
  const counted = source.pipe(
    tap(() => {
      books.taken++
      books.ahead = Math.max(books.ahead, books.taken - books.consumed)
    }),
  )
  const received = new Observable<T>(subscriber => {
    let over = false
    const credit = new CreditWindow(window, n => runtime.macrotask(() => pumped.request(n)))
    const receive = (value: T): void => {
      if (over) return // the call has ended: what is still on its way is nobody's
      if (!credit.receive()) books.uncredited++
      books.arrived++
      let consumed = false
      deliver(subscriber, value, error => {
        if (consumed) books.doubled++
        consumed = true
        books.consumed++
        if (error !== undefined) books.failed++
        if (!over) credit.consume()
      })
    }
    const pumped = pump<T, T>(
      counted,
      {
        get ready() {
          return ready
        },
        encode: value => value,
        send: value => {
          runtime.macrotask(() => receive(value))
          return true
        },
        complete: () => runtime.macrotask(() => subscriber.complete()),
        fail: error => runtime.macrotask(() => subscriber.error(error)),
        blocked: () => {},
      },
      { name, credit: window, runtime, onStalled },
    )
    sender = pumped
    runtime.macrotask(() => pumped.start())
    return () => {
      over = true
      runtime.macrotask(() => pumped.cancel())
    }
  })
  const open = (isReady: boolean): void => {
    ready = isReady
    if (isReady) sender?.resume()
  }
  return Object.assign(received, { books, open })
}

function unexpectedStall(event: Stalled): never {
  throw new Error(`stalled: ${JSON.stringify(event)}`)
}
