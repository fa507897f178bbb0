import assert from 'node:assert/strict'

/** Asserts that `actual` has the fields of `expected`, and objects in it theirs, whatever else they have. */
export function assertFields(actual: unknown, expected: object): void {
  assert.deepEqual(fieldsOf(actual, expected), expected)
}

function fieldsOf(actual: unknown, like: object): unknown {
  if (typeof actual !== 'object' || actual === null) return actual
  const fields = Object.entries(like).map(([name, value]: [string, unknown]) => {
    const own: unknown = (actual as Record<string, unknown>)[name]
    return [name, isPlain(value) ? fieldsOf(own, value) : own]
  })
  return Object.fromEntries(fields)
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
