import * as E from 'fp-ts/lib/Either.js'
import { catchError, defer, EMPTY, finalize, ignoreElements, map, merge, tap } from 'rxjs'
import type { RpcError, Runtime } from '../core/index.js'
import type { Node } from '../registry/index.js'
import { noEndpoint } from './no-endpoint.js'
import type { NodeLoad } from './node-load.js'
import type { FilteredSnapshot, Load, Next, Outcome, Pick, Selector } from './selector.js'

/** A strategy that knows how busy nodes are. */
export interface LoadRules {
  /** Chooses among loads, at least one: gives an index below their number. */
  choose(loads: readonly NodeLoad[]): number
  /** Learns from the end of a call at the node. @default nothing but that it has ended */
  learn?(load: NodeLoad, outcome: Outcome): void
}

/**
 * Makes a selector of a strategy that goes by load; `start` runs once a subscription.
 *
 * A pick counts as running at its node until an outcome with that node. When outcomes complete or fail, nothing is
 * counted any more, for it would only grow. Loads are kept while a node is listed or calls to it run; a node that has
 * got another address is a new process, whose cost nobody knows.
 */
export function loadStrategy(start: (runtime: Runtime) => LoadRules): Selector {
  return ({ runtime, outcomes$ }) =>
    snapshot$ =>
      defer(() => {
        const rules = start(runtime)
        const loads = new Loads()
        const learning$ = outcomes$.pipe(
          tap(outcome => {
            const load = loads.ended(outcome)
            if (load !== undefined) rules.learn?.(load, outcome)
          }),
          ignoreElements(),
          catchError(() => EMPTY), // nobody tells any more, which says nothing of the nodes
          finalize(() => loads.stopCounting()),
        )
        // Outcomes first: it is ready for snapshots that come while it subscribes them.
        return merge(learning$, snapshot$.pipe(map(snapshot => nextOf(snapshot, loads, rules, runtime))))
      })
}

function nextOf(snapshot: FilteredSnapshot, loads: Loads, rules: LoadRules, runtime: Runtime): Next {
  const listed = loads.list(snapshot.services.flatMap(service => service.nodes))
  const about = { from: snapshot, loadOf: (node: Node) => loads.of(node) }
  if (listed.length === 0) return Object.assign(() => E.left(noEndpoint(snapshot, runtime)), about)
  const next = ({ exclude }: Pick): E.Either<RpcError, Node> => {
    const candidates = exclude === undefined || exclude.size === 0 ? listed : untried(listed, exclude)
    const load = candidates[rules.choose(candidates)] as NodeLoad
    loads.started(load)
    const { answer } = load
    snapshot.picked?.(answer.right)
    return answer
  }
  return Object.assign(next, about)
}

/** A node that was tried is taken only when no other is left. */
function untried(loads: readonly NodeLoad[], exclude: ReadonlySet<string>): readonly NodeLoad[] {
  const rest = loads.filter(({ answer }) => !exclude.has(answer.right.id))
  return rest.length > 0 ? rest : loads
}

/** The loads of all nodes that are listed or still at work. */
class Loads {
  /** By node id. */
  private loads: Map<string, NodeLoad>
  private counting: boolean

  constructor() {
    this.loads = new Map()
    this.counting = true
  }

  /** The loads of `nodes`, in their order. Forgets nodes that are gone and have nothing to do. */
  list(nodes: readonly Node[]): readonly NodeLoad[] {
    const before = this.loads
    const listed = nodes.map(node => loadOf(node, before.get(node.id)))
    this.loads = new Map(listed.map(load => [load.answer.right.id, load]))
    for (const [id, load] of before) if (load.pending > 0 && !this.loads.has(id)) this.loads.set(id, load)
    return listed
  }

  /** A call goes to the node. */
  started(load: NodeLoad): void {
    if (this.counting) load.pending++
  }

  /** A call has ended. Gives the load when it has something to learn from it. */
  ended({ node, marked = false }: Outcome): NodeLoad | undefined {
    const load = this.loads.get(node.id)
    if (load === undefined || marked) return undefined
    if (load.pending > 0) load.pending--
    return load.answer.right.address === node.address ? load : undefined
  }

  /** What is known of a node. */
  of({ id }: Node): Load | undefined {
    const load = this.loads.get(id)
    return load && { pending: load.pending, ...(load.costMs > 0 && { costMs: load.costMs }) }
  }

  /** Nobody tells how calls end. */
  stopCounting(): void {
    this.counting = false
    for (const load of this.loads.values()) load.pending = 0
  }
}

function loadOf(node: Node, before: NodeLoad | undefined): NodeLoad {
  if (before === undefined) return { answer: right(node), pending: 0, costMs: 0, costAt: 0 }
  const { address } = before.answer.right
  if (before.answer.right !== node) before.answer = right(node)
  if (address !== node.address) before.costMs = 0
  return before
}

function right(node: Node): E.Right<Node> {
  return { _tag: 'Right', right: node }
}
