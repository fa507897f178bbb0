import type { Kind } from '../protocol/index.js'
import type { Endpoint, Instance, Metadata } from '../registry/index.js'
import type { Actor } from './actor.js'

/** What {@link instancesOf} makes records of. */
export interface InstanceOptions {
  /** What the process answers. */
  readonly actors: readonly Actor[]
  /** Name of the one service; without it each contract is a service. */
  readonly name: string | undefined
  /** Version of the one service; without it that of the first contract. */
  readonly version: string | undefined
  /** Id of the process. */
  readonly id: string
  /** Where callers reach it. */
  readonly address: string
  /** Labels of the node. */
  readonly metadata: Metadata
}

/** The records under which a process is registered: one with all its actors, or one for each. */
export function instancesOf(options: InstanceOptions): readonly Instance[] {
  const { actors, name, version } = options
  if (name === undefined) {
    return actors.map(actor => instanceOf(actor.contract.name, actor.contract.version, [actor], options))
  }
  return [instanceOf(name, version ?? actors[0]?.contract.version ?? '0.0.0', actors, options)]
}

function instanceOf(
  name: string,
  version: string,
  actors: readonly Actor[],
  { id, address, metadata }: InstanceOptions,
): Instance {
  const node = { id: `${name}-${id}`, address, metadata }
  return { name, version, metadata: {}, endpoints: actors.flatMap(endpointsOf), node }
}

function endpointsOf({ contract }: Actor): readonly Endpoint[] {
  return Object.entries(contract.endpoints).map(([name, { kind }]) => ({
    name: `${contract.name}.${name}`,
    request: null,
    response: null,
    metadata: labelsOf(kind),
  }))
}

/** go-micro tells streams from calls by the label `stream`. */
function labelsOf(kind: Kind): Metadata {
  return kind === 'unary' || kind === 'tell' ? { kind } : { kind, stream: 'true' }
}
