import { acknowledged, redeliver } from 'millrace/streams'
import { type MonoTypeOperatorFunction, Observable } from 'rxjs'

/** Passes items on as a broker delivers them that sees to what fails. */
export function acknowledging<T>(): MonoTypeOperatorFunction<T> {
  return source =>
    new Observable(subscriber =>
      source.subscribe({
        next: value =>
          redeliver(
            subscriber,
            value,
            acknowledged(() => {}),
          ),
        error: error => subscriber.error(error),
        complete: () => subscriber.complete(),
      }),
    )
}
