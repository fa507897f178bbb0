import type { RpcError } from 'millrace/core'
import { describe, expect, it } from 'vitest'
import { versionRange } from '../../src/selector/version-range.js'

/** Range, versions inside, versions outside. */
const rows: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['1.2.3', ['1.2.3', '1.2.3+build.7'], ['1.2.4', '1.2.2', '1.2.3-beta.1', 'v1.2.3']],
  ['1', ['1.0.0', '1.9.9', '1'], ['0.9.9', '2.0.0', '1.0.0-rc.1', '10.0.0']],
  ['1.x', ['1.0.0', '1.9.9'], ['2.0.0']],
  ['1.2.x', ['1.2.0', '1.2.99'], ['1.3.0', '1.1.9']],
  ['1.2', ['1.2.0', '1.2.99', '1.2'], ['1.3.0']],
  ['*', ['0.0.0', '7.8.9'], ['latest', '1.0.0-rc.1']],
  ['~1.2.3', ['1.2.3', '1.2.9'], ['1.2.2', '1.3.0']],
  ['~1', ['1.0.0', '1.9.0'], ['2.0.0']],
  ['^1.2', ['1.2.0', '1.10.0'], ['1.1.9', '2.0.0']],
  ['^0.2.3', ['0.2.3', '0.2.9'], ['0.2.2', '0.3.0']],
  ['^0.0.3', ['0.0.3'], ['0.0.2', '0.0.4']],
  ['^0.0', ['0.0.0', '0.0.9'], ['0.1.0']],
  ['^0', ['0.0.1', '0.9.0'], ['1.0.0']],
  ['latest', ['latest'], ['1.0.0', 'later']],
  ['2.0.0-rc.1', ['2.0.0-rc.1'], ['2.0.0', '2.0.0-rc.2']],
]

describe('versionRange', () => {
  it.each(rows)('reads %s as npm does', (range, inside, outside) => {
    const inRange = versionRange(range)

    expect({ inside: inside.filter(inRange), outside: outside.filter(inRange) }).toEqual({ inside, outside: [] })
  })

  it.each(['>=1.2', '1 || 2', '', '^latest', '1.2 - 1.4'])('refuses the range "%s"', range => {
    expect(() => versionRange(range)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', reason: 'invalid_version_range' }) as RpcError,
    )
  })
})
