import { describe, expect, it } from 'vitest'
import { withoutLongHex } from './without-long-hex.js'

describe('withoutLongHex', () => {
  it('cuts ids and fractions of 16 digits or more', () => {
    expect(withoutLongHex('id 0123456789abcdef at 0.1234567890123456 ms')).toBe(
      'id 0123456789ab… at 0.123456789012… ms',
    )
  })

  it('leaves shorter numbers as they are', () => {
    expect(withoutLongHex('node 0123456789abcde')).toBe('node 0123456789abcde')
  })
})
