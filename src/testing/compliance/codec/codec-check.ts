import assert from 'node:assert/strict'
import type { Codec, CodecLimits } from '../../../codec/index.js'
import { RpcError } from '../../../core/index.js'
import type { Check, CheckSetup } from '../check.js'

/** A codec to be tried. */
export interface CodecSetup extends CheckSetup {
  /** Makes one with the limits that a check needs. */
  readonly codec: CodecFactory
}

/** Makes a codec; limits that are not given are its own. */
export type CodecFactory = (limits?: Partial<CodecLimits>) => Codec

/** What a codec may lack: `structures`, that it keeps arrays and objects. */
export type CodecCapability = 'structures'

/** One fact about every codec. */
export type CodecCheck = Check<CodecSetup, CodecCapability>

/** A check over codecs of any limits. */
export function overCodec(title: string, run: (codec: CodecFactory) => void, needs?: CodecCapability): CodecCheck {
  return { title, ...(needs && { needs }), run: async ({ codec }) => run(codec) }
}

/** What arrives when `value` is sent. */
export function roundTrip(codec: Codec, value: unknown): unknown {
  const bytes = codec.encode(value, 0)
  return codec.decodeUnsafe(bytes, 0, bytes.length)
}

/** Asserts that `act` throws an `RpcError` with this reason, whose message has `text` in it. */
export function assertRefuses(act: () => unknown, reason: string, text = ''): void {
  assert.throws(act, (error: unknown) => {
    assert.ok(RpcError.is(error), `${String(error)} is no RpcError`)
    assert.equal(error.reason, reason)
    assert.ok(error.message.includes(text), `${error.message} does not name ${text}`)
    return true
  })
}
