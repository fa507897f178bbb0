import { EMPTY, Observable } from 'rxjs'

/** A signal of the operating system that ends a process. */
export type StopSignal = 'SIGINT' | 'SIGTERM'

interface SignalSource {
  on(signal: StopSignal, listener: () => void): unknown
  off(signal: StopSignal, listener: () => void): unknown
}

/**
 * The signals as they come. Listening to one keeps the platform from ending the process; unsubscribing gives that back.
 * Where there are no processes, as in a browser, it is empty.
 */
export function stopSignals(signals: readonly StopSignal[]): Observable<StopSignal> {
  const { process } = globalThis as { readonly process?: Partial<SignalSource> }
  if (typeof process?.on !== 'function' || typeof process.off !== 'function') return EMPTY
  const source = process as SignalSource
  return new Observable(subscriber => {
    for (const signal of signals) {
      const listener = (): void => subscriber.next(signal)
      source.on(signal, listener)
      subscriber.add(() => source.off(signal, listener))
    }
  })
}
