import { RpcError } from 'millrace/core'
import { retry } from 'rxjs'
import type { Mutant } from './mutant.js'

/** A call whose connection was lost is sent again, although its handler may have run. */
export const unsafeRetry: Mutant = {
  name: 'call repeated that may have run',
  calls: next => ({
    call: call =>
      next.call(call).pipe(
        retry({
          count: 2,
          delay: (error: unknown) => {
            if (RpcError.from(error).code !== 'UNAVAILABLE') throw error
            return [0]
          },
        }),
      ),
  }),
}
