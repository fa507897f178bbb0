import { RpcError } from '../core/index.js'

/**
 * Whether two values look the same: equal primitives, arrays, Maps, Sets, bytes and objects by content, dates by time,
 * patterns and URLs by text, errors by name and message. An error expected as `{ code, reason }` is an `RpcError` that
 * has them.
 */
export function sameValue(expected: unknown, actual: unknown): boolean {
  return same(expected, actual, new Map())
}

type Fields = Record<string, unknown>

/** What each object is being compared with, or was: a value that contains itself is compared once. */
type Compared = Map<object, Set<object>>

function same(expected: unknown, actual: unknown, compared: Compared): boolean {
  if (Object.is(expected, actual)) return true
  if (!isObject(expected) || !isObject(actual)) return false
  if (RpcError.is(actual) && !(expected instanceof Error))
    return sameEntries(expected, pick(actual, expected), compared)
  if (Object.getPrototypeOf(expected) !== Object.getPrototypeOf(actual)) return false
  if (expected instanceof Error) return `${expected}` === `${actual as unknown as Error}`
  if (expected instanceof Date) return Object.is(expected.getTime(), (actual as Date).getTime())
  if (hidesItsContent(expected)) return ownText(expected) !== undefined && ownText(expected) === ownText(actual)
  const before = compared.get(expected) ?? new Set()
  if (before.has(actual)) return true
  compared.set(expected, before.add(actual))
  if (isCollection(expected)) return sameEntries([...expected], [...(actual as unknown as typeof expected)], compared)
  return sameEntries(expected, actual, compared)
}

function sameEntries(expected: object, actual: object, compared: Compared): boolean {
  const names = Object.keys(expected)
  return (
    names.length === Object.keys(actual).length &&
    names.every(name => name in actual && same((expected as Fields)[name], (actual as Fields)[name], compared))
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

/** Whether an object is of a built-in kind without fields, such as a URL, a pattern or a promise. */
export function hidesItsContent(value: object): boolean {
  if (Array.isArray(value) || ArrayBuffer.isView(value) || isCollection(value)) return false
  return Object.keys(value).length === 0 && Object.prototype.toString.call(value) !== '[object Object]'
}

/** What an object says of itself; `undefined` when it is nothing but the name of its kind. */
export function ownText(value: object): string | undefined {
  const { toString } = value as { readonly toString: () => string }
  return toString === Object.prototype.toString ? undefined : toString.call(value)
}
