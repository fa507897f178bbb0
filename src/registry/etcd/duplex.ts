import type { IDuplexStream } from 'etcd3'
import { Observable, type Subscription } from 'rxjs'

/**
 * One stream of gRPC as an Observable: it is opened on subscription, sends what `request$` emits, emits the answers,
 * and is cancelled when it is unsubscribed. It ends when the server ends it.
 */
export function duplex<T, R>(open: () => Promise<IDuplexStream<T, R>>, request$: Observable<T>): Observable<R> {
  return new Observable(subscriber => {
    const started = (stream: IDuplexStream<T, R>): void => {
      stream
        .on('data', answer => subscriber.next(answer))
        .on('error', error => subscriber.error(error)) // listened to for good: cancelling is an error, too
        .on('end', () => subscriber.complete())
      // Added first: what an answer to a synchronous request unsubscribes is cancelled.
      subscriber.add(() => {
        requests?.unsubscribe()
        stream.cancel()
      })
      if (!subscriber.closed) requests = request$.subscribe(request => stream.write(request))
    }
    let requests: Subscription | undefined
    open().then(started, (error: unknown) => subscriber.error(error))
  })
}
