import { emptyHeader } from 'millrace/core'
import type { SingleCall } from 'millrace/protocol'

/** A call for layers that do not look into it; `given` says what matters. */
export function unaryCall(given: Partial<SingleCall> = {}): SingleCall {
  const route = { contract: 'marbles', version: '1.0.0', endpoint: 'call' }
  return { route, header: emptyHeader, deadline: undefined, key: undefined, kind: 'unary', body: null, ...given }
}
