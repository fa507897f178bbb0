import type { Node } from '../registry/index.js'
import type { FilteredSnapshot, Load, Next } from './selector.js'

/** Why one node is picked or is not, at one moment. */
export interface NodeExplanation {
  /** The node. */
  readonly node: Node
  /** Version of the service that lists it. */
  readonly version: string
  /** Its label `zone`. @default it has none */
  readonly zone?: string
  /** Which filter has left it out, `ejected`, as it reads after a number. @default none: it may be picked */
  readonly leftOut?: string
  /** How many faults keep it out. @default it is not for faults */
  readonly failures?: number
  /** When it may come back, on the runtime's clock, ms. @default nobody knows, or it is not out */
  readonly untilMs?: number
  /** How many calls this client has sent there since the registry told of its address. */
  readonly picked: number
  /** How busy it is, where the strategy goes by that. @default it does not, or has not learned of the node */
  readonly load?: Load
}

/** Why each node of a service is picked or is not, at one moment: a whole table. */
export interface Explanation {
  /** Name of the service. */
  readonly service: string
  /** True when the registry fails, so that the nodes may be old. */
  readonly stale: boolean
  /** When the registry last confirmed them, on the runtime's clock, ms; `-Infinity` when it never has. */
  readonly asOf: number
  /** Every node that the registry knows, ordered by id. */
  readonly nodes: readonly NodeExplanation[]
}

/** What a client adds of its own. */
export interface ExplainOptions {
  /** Name of the service. */
  readonly service: string
  /** What it has given the selector: all that there is to say when the selector's `Next` does not tell. */
  readonly given: FilteredSnapshot
  /** How many calls it has sent to a node. */
  readonly picked: (node: Node) => number
}

/** Why each node is picked or is not by `next`, now. */
export function explain(next: Next, { service, given, picked }: ExplainOptions): Explanation {
  const { services, leftOut = [], stale, asOf } = next.from ?? given
  const about = (node: Node, version: string): NodeExplanation => {
    const { zone } = node.metadata
    const load = next.loadOf?.(node)
    return { node, version, ...(zone !== undefined && { zone }), picked: picked(node), ...(load && { load }) }
  }
  const usable = services.flatMap(({ nodes, version }) => nodes.map(node => about(node, version)))
  const others = leftOut.flatMap(({ why, nodes, absenceOf }) =>
    nodes.map(({ node, version }) => ({ ...about(node, version), leftOut: why, ...absenceOf?.(node) })),
  )
  const nodes = [...usable, ...others].toSorted((left, right) => (left.node.id < right.node.id ? -1 : 1))
  return { service, stale, asOf, nodes }
}
