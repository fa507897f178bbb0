import type { FrameParts } from '../support/raw-frame.js'
import { routeMetadata } from '../support/raw-peer.js'

const NO_BODY = 0x08

/**
 * A request to an endpoint of the contract `test`, as a frame to be sent, whole or in parts. Between millrace peers the
 * one that opens a channel carries no item.
 */
export function requestTo(endpoint: string, { data = '', ...parts }: Omit<FrameParts, 'metadata'>): FrameParts {
  if (parts.type === 'REQUEST_CHANNEL') return { ...parts, metadata: routeMetadata(endpoint, NO_BODY) }
  return { ...parts, metadata: routeMetadata(endpoint), data }
}
