import type { Runtime } from 'millrace/core'
import { marbles } from 'millrace/testing'

/** Runs `program` in virtual time until no work is left, and gives what it returned. */
export function simulate<R>(program: (runtime: Runtime) => R, seed = 1): R {
  let result: { readonly value: R } | undefined
  marbles(
    ({ runtime }) => {
      result = { value: program(runtime) }
    },
    { seed, maxTasks: 1_000_000 },
  )
  return (result as unknown as { readonly value: R }).value
}
