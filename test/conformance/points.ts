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

/** Every point of the checklist, in its order. */
export const points: readonly Point[] = [
  ...framing,
  ...setup,
  ...keepalive,
  ...streamIds,
  ...requestResponse,
  ...fireAndForget,
  ...stream,
  ...channel,
  ...fragmentation,
  ...leases,
  ...close,
  ...resumption,
].toSorted((a, b) => a.number - b.number)
