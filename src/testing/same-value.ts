import { RpcError } from '../core/index.js'

/**
 * Whether two values look the same: equal primitives, arrays, Maps, Sets, bytes and plain objects by content, errors by
 * name and message. An error expected as `{ code, reason }` is an `RpcError` that has them.
 */
export function sameValue(expected: unknown, actual: unknown): boolean {
  if (Object.is(expected, actual)) return true
  if (!isObject(expected) || !isObject(actual)) return false
  if (RpcError.is(actual) && !(expected instanceof Error)) return sameEntries(expected, pick(actual, expected))
  if (Object.getPrototypeOf(expected) !== Object.getPrototypeOf(actual)) return false
  if (expected instanceof Error) return `${expected}` === `${actual as unknown as Error}`
  if (isCollection(expected)) return sameEntries([...expected], [...(actual as unknown as typeof expected)])
  return sameEntries(expected, actual)
}

type Fields = Record<string, unknown>

function sameEntries(expected: object, actual: object): boolean {
  const names = Object.keys(expected)
  return (
    names.length === Object.keys(actual).length &&
    names.every(name => name in actual && sameValue((expected as Fields)[name], (actual as Fields)[name]))
  )
}

function pick(error: RpcError, like: object): object {
  return Object.fromEntries(Object.keys(like).map(name => [name, (error as unknown as Fields)[name]]))
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function isCollection(value: object): value is Map<unknown, unknown> | Set<unknown> {
  return value instanceof Map || value instanceof Set
}
