import { Observable } from 'rxjs'
import type { Invariant, ObservedCall } from '../observed.js'

/** What one life of a caller has been shown of a service. */
interface Shown {
  nodes: ReadonlySet<string>
  readonly removedAt: Map<string, number>
}

/** No call goes to a node that its caller had seen leave before it was made. */
export const callsGoToSeenNodes: Invariant = {
  name: 'calls go to nodes that their callers see',
  violations: world =>
    new Observable(subscriber => {
      const shown = new Map<string, Shown>()
      /** Which nodes a life of a process is. */
      const nodes = new Map<string, string[]>()
      subscriber.add(
        world.registry$.subscribe(({ process, life, watching, instance, gone, snapshot }) => {
          const lifeKey = `${process} ${life}`
          if (instance !== undefined && gone !== true) {
            nodes.set(lifeKey, [...(nodes.get(lifeKey) ?? []), instance.node.id])
          }
          if (snapshot === undefined || watching === undefined) return
          const view = shown.get(`${lifeKey} ${watching}`) ?? { nodes: new Set(), removedAt: new Map() }
          shown.set(`${lifeKey} ${watching}`, view)
          const present = new Set(snapshot.services.flatMap(service => service.nodes.map(({ id }) => id)))
          for (const id of view.nodes) if (!present.has(id)) view.removedAt.set(id, world.now())
          for (const id of present) view.removedAt.delete(id)
          view.nodes = present
        }),
      )
      subscriber.add(
        world.calls$.subscribe(({ call, run, step }) => {
          if (run === undefined || step !== 'started') return
          const view = shown.get(`${call.process} ${call.life} ${call.route.contract}`)
          const [id] = nodes.get(`${run.process} ${run.life}`) ?? []
          const removedAt = id === undefined ? undefined : view?.removedAt.get(id)
          if (removedAt !== undefined && removedAt < call.startedAt) {
            subscriber.next(`${title(call)} runs at ${run.process}, which it had seen leave at ${removedAt} ms`)
          }
        }),
      )
    }),
}

function title({ id, route: { contract, endpoint }, process, startedAt }: ObservedCall): string {
  return `call ${id}, ${contract}.${endpoint} of ${process}, made at ${startedAt} ms,`
}
