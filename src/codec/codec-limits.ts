import { integer, optional, resolveOptions } from '../core/index.js'
import type { CodecLimits } from './codec.js'

// The readers recurse once a level; 1000 levels fit any stack.
const DEEPEST = 1000

/** Fills and checks the limits of the codec `owner`; throws INVALID_ARGUMENT (reason `invalid_options`). */
export function resolveCodecLimits(owner: string, limits: Partial<CodecLimits> | undefined): CodecLimits {
  return resolveOptions<CodecLimits>(
    owner,
    {
      maxBytes: optional(integer({ min: 1, max: 0x7fff_ffff }), 16_777_216),
      maxDepth: optional(integer({ min: 1, max: DEEPEST }), 64),
      maxItems: optional(integer({ min: 1, max: 0x7fff_ffff }), 1_048_576),
    },
    limits,
  )
}
