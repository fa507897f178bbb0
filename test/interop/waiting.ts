import { RpcError } from 'millrace/core'
import { filter, firstValueFrom, lastValueFrom, timeout, toArray, type Observable } from 'rxjs'

/** Everything that a stream gives, once it has ended. */
export function all<T>(source: Observable<T>): Promise<readonly T[]> {
  return lastValueFrom(source.pipe(toArray(), timeout({ first: 15_000 })))
}

/** The first value that is as wanted. */
export function when<T>(source: Observable<T>, wanted: (value: T) => boolean): Promise<T> {
  return firstValueFrom(source.pipe(filter(wanted), timeout({ first: 8000 })))
}

/** The numbers from 0, so many. */
export function upTo(count: number): readonly number[] {
  return Array.from({ length: count }).map((_, number) => number)
}

/** The error that a stream fails with; fails itself when the stream completes. */
export async function failureOf(source: Observable<unknown>): Promise<RpcError> {
  try {
    await all(source)
  } catch (error) {
    if (RpcError.is(error)) return error
    throw error
  }
  throw new Error('expected an error, and the call completed')
}
