import { RpcError } from '../core/index.js'

type Triple = readonly [major: number, minor: number, patch: number]

const VERSION = /^(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:\+[0-9a-z.-]+)?$/i
const RANGE = /^([~^]?)(\d+|[x*])(?:\.(\d+|[x*]))?(?:\.(\d+|[x*]))?(?:\+[0-9a-z.-]+)?$/i
const OPERATORS = /[\^~<>=|*\s]|^$/

/**
 * Reads a range of semantic versions (https://semver.org) and gives the test for it.
 *
 * Any string matches the version that is equal to it. Besides, `1`, `1.x`, `1.2`, `~1.2.3` and `^1.2` mean what they
 * mean to npm; build metadata does not count, and pre-releases match only as equal strings.
 * Throws INVALID_ARGUMENT (reason `invalid_version_range`) for other operators (`>=1`, `1 || 2`).
 */
export function versionRange(range: string): (version: string) => boolean {
  const match = RANGE.exec(range)
  if (match === null) {
    if (OPERATORS.test(range)) throw invalidRange(range)
    return version => version === range
  }
  const [, operator = '', ...written] = match
  const given: number[] = []
  for (const part of written) {
    const value = Number(part)
    if (!Number.isInteger(value)) break // x, *, or not written: everything from here on is free
    given.push(value)
  }
  const least = triple(given)
  const bumped = bumpedPart(operator, given)
  const bound = triple(given.slice(0, bumped).concat((given[bumped] ?? Infinity) + 1))
  return version => {
    if (version === range) return true
    const parts = VERSION.exec(version)
    if (parts === null) return false
    const found = triple(parts.slice(1).map(part => Number(part ?? 0)))
    return compare(found, least) >= 0 && compare(found, bound) < 0
  }
}

/** Index of the number whose next value is outside of the range. */
function bumpedPart(operator: string, given: readonly number[]): number {
  const last = Math.max(0, given.length - 1)
  if (operator === '~') return Math.min(1, last)
  if (operator !== '^') return last
  const firstSet = given.findIndex(part => part > 0)
  return firstSet < 0 ? last : firstSet
}

function triple([major = 0, minor = 0, patch = 0]: readonly number[]): Triple {
  return [major, minor, patch]
}

function compare(first: Triple, second: Triple): number {
  if (first[0] !== second[0]) return first[0] - second[0]
  if (first[1] !== second[1]) return first[1] - second[1]
  return first[2] - second[2]
}

function invalidRange(range: string): RpcError {
  const message = `version ${JSON.stringify(range)}: expected a version, or a range such as 1.x, ~1.2.3 or ^1.2`
  return new RpcError('INVALID_ARGUMENT', message, { reason: 'invalid_version_range' })
}
