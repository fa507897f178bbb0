import type { IDuplexStream } from 'etcd3'
import { Observable, type Subscription } from 'rxjs'

/**
 * One stream of gRPC as an Observable: it is opened on subscription, sends what `request$` emits, emits the answers,
 * and completes when the server ends it. Unsubscribing cancels it.
 */
export function duplex<T, R>(open: () => Promise<IDuplexStream<T, R>>, request$: Observable<T>): Observable<R> {
  return new Observable(subscriber => {
    let requests: Subscription | undefined
    const started = (stream: IDuplexStream<T, R>): void => {
      stream
        .on('data', answer => subscriber.next(answer))
        .on('error', error => subscriber.error(error)) // listened to for good: being cancelled is an error, too
        .on('end', () => subscriber.complete())
      // Added first: what is unsubscribed by an answer to a request is cancelled at once.
      subscriber.add(() => {
        requests?.unsubscribe()
        stream.end() // etcd3 drops the connection of a stream that fails while it may be written to
        stream.cancel()
      })
      if (subscriber.closed) return
      requests = request$.subscribe({ next: request => stream.write(request), complete: () => stream.end() })
    }
    open().then(started, (error: unknown) => subscriber.error(error))
  })
}
