import { channel } from './channel.js'
import { close } from './close.js'
import { fireAndForget } from './fire-and-forget.js'
import { fragmentation } from './fragmentation.js'
import { framing } from './framing.js'
import { keepalive } from './keepalive.js'
import type { Point } from './point.js'
import { leases } from './lease.js'
import { requestResponse } from './request-response.js'
import { resumption } from './resume.js'
import { setup } from './setup.js'
import { stream } from './stream.js'
import { streamIds } from './stream-ids.js'

/** The sections of the checklist, with their points. */
export const sections: Readonly<Record<string, readonly Point[]>> = {
  framing,
  setup,
  keepalive,
  'stream ids': streamIds,
  'request-response': requestResponse,
  'fire-and-forget': fireAndForget,
  stream,
  channel,
  fragmentation,
  lease: leases,
  close,
  resume: resumption,
}

/** Every point of the checklist, in its order. */
export const points: readonly Point[] = Object.values(sections)
  .flat()
  .toSorted((a, b) => a.number - b.number)
