import { bytes } from 'millrace/codec'
import { describe, expect, it } from 'vitest'
import { testCodec } from 'millrace/testing/compliance'

testCodec({ describe, it }, { name: 'bytes', codec: bytes, keeps: ['Uint8Array', 'Buffer'] })

describe('bytes', () => {
  it('copies on encoding', () => {
    const value = Uint8Array.of(1, 2, 3)

    const encoded = bytes().encode(value, 0)
    value[0] = 9

    expect(encoded).toEqual(Uint8Array.of(1, 2, 3))
  })
})
