import assert from 'node:assert/strict'

/** Asserts that a list has `part` as an element, or a text as a part of it. */
export function assertIncludes(whole: string | readonly unknown[], part: unknown): void {
  const includes = typeof whole === 'string' ? whole.includes(String(part)) : whole.includes(part)
  assert.ok(includes, `${JSON.stringify(whole)} does not include ${JSON.stringify(part)}`)
}
