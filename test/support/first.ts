/** The first of `values`; fails when there is none. */
export function first<T>(values: readonly T[]): T {
  const [value] = values
  if (value === undefined) throw new Error('nothing is there')
  return value
}
