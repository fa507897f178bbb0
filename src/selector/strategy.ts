import * as E from 'fp-ts/lib/Either.js'
import { defer, map } from 'rxjs'
import { RpcError, type Runtime } from '../core/index.js'
import type { Node } from '../registry/index.js'
import { noEndpoint } from './no-endpoint.js'
import type { FilteredSnapshot, Next, Pick, Selector } from './selector.js'

/**
 * Chooses among the nodes that may take a call, at least one: gives an index below `nodes.length`.
 * `nodes` is the same array from pick to pick while nothing changes, ordered as the registry orders.
 */
export type PickIndex = (nodes: readonly Node[], pick: Pick) => number

/**
 * Makes a selector of a function that chooses; `start` runs once a subscription and may keep state in its closure:
 * `strategy(runtime => nodes => Math.floor(runtime.random() * nodes.length))`.
 *
 * `Pick.exclude`, empty snapshots and their errors are taken care of. When the function throws, or gives an index that
 * is none, the pick is Left INTERNAL (reason `strategy_failed`).
 */
export function strategy(start: (runtime: Runtime) => PickIndex): Selector {
  return ({ runtime }) =>
    snapshot$ =>
      defer(() => {
        const pickIndex = start(runtime)
        return snapshot$.pipe(map(snapshot => nextOf(snapshot, pickIndex, runtime)))
      })
}

function nextOf(snapshot: FilteredSnapshot, pickIndex: PickIndex, runtime: Runtime): Next {
  const nodes = snapshot.services.flatMap(service => service.nodes)
  if (nodes.length === 0) return Object.assign(() => E.left(noEndpoint(snapshot, runtime)), { from: snapshot })
  // Made once a snapshot: a pick allocates nothing.
  const answers = new Map<Node | undefined, E.Right<Node>>(nodes.map(node => [node, right(node)]))
  const next = (pick: Pick): E.Either<RpcError, Node> => {
    const candidates = untried(nodes, pick.exclude)
    let answer: E.Right<Node> | undefined
    try {
      const index = pickIndex(candidates, pick)
      answer = answers.get(candidates[index])
      if (answer === undefined) return E.left(strategyFailed(`chose ${index} of ${candidates.length} nodes`))
    } catch (error) {
      return E.left(strategyFailed('threw', error))
    }
    snapshot.picked?.(answer.right)
    return answer
  }
  return Object.assign(next, { from: snapshot })
}

/** A node that was tried is taken only when no other is left. */
function untried(nodes: readonly Node[], exclude: ReadonlySet<string> | undefined): readonly Node[] {
  if (exclude === undefined || exclude.size === 0) return nodes
  const rest = nodes.filter(node => !exclude.has(node.id))
  return rest.length > 0 ? rest : nodes
}

function right(node: Node): E.Right<Node> {
  return { _tag: 'Right', right: node }
}

function strategyFailed(what: string, cause?: unknown): RpcError {
  return new RpcError('INTERNAL', `the selector's strategy ${what}`, { reason: 'strategy_failed', cause })
}
