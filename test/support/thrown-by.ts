import { RpcError } from 'millrace/core'

/** The `RpcError` that `act` throws; fails when it throws none. */
export function thrownBy(act: () => unknown): RpcError {
  try {
    act()
  } catch (error) {
    if (RpcError.is(error)) return error
    throw error
  }
  throw new RpcError('INTERNAL', 'it was expected to throw and did not', { reason: 'not_thrown' })
}
