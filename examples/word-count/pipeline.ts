import { pacedMap, type RpcError, type Stub } from 'millrace'
import { catchError, type MonoTypeOperatorFunction, EMPTY, type Observable, tap, throwError } from 'rxjs'
import type { Counter, Reader, Tokenizer, Totals } from './contracts.js'
import type { Path } from './files.js'
import type { InFlight } from './in-flight.js'
import { isRefused } from './refused.js'

/** The services that the pipeline calls. */
export interface Services {
  readonly reader: Stub<(typeof Reader)['endpoints']>
  readonly tokenizer: Stub<(typeof Tokenizer)['endpoints']>
  readonly counter: Stub<(typeof Counter)['endpoints']>
}

/** What the pipeline is told. */
export interface PipelineOptions {
  /** Files that are read at once. */
  readonly concurrency: number
  /** Counts what is under way. */
  readonly inFlight: InFlight
  /** A file has been read to its end. */
  readonly onFile: () => void
  /** A file has been refused, before its first line. */
  readonly onRefused: (path: Path, error: RpcError) => void
}

/** The job: the words of all files, counted by three services. Emits totals as they grow, the whole ones last. */
export function pipeline(paths$: Observable<Path>, services: Services, options: PipelineOptions): Observable<Totals> {
  const { reader, tokenizer, counter } = services
  const { concurrency, inFlight } = options
  const words = (path: Path): Observable<readonly string[]> =>
    reader.lines(path).pipe(inFlight.enter(), tokenizer.words, endFile(path, options))
  return paths$.pipe(pacedMap(words, { concurrency }), counter.totals, inFlight.leave())
}

/** Reports how a file ended; a refused one is left out. */
function endFile<T>(path: Path, { onFile, onRefused }: PipelineOptions): MonoTypeOperatorFunction<T> {
  return words$ =>
    words$.pipe(
      tap({ complete: onFile }),
      catchError((error: unknown) => {
        if (!isRefused(error)) return throwError(() => error)
        onRefused(path, error)
        return EMPTY
      }),
    )
}
