import { Observable } from 'rxjs'
import type { Invariant, ObservedWorld, RegistryStep } from '../observed.js'

/** A life of a process that has been told that its node is announced. */
interface Owner {
  readonly process: string
  readonly life: number
}

/**
 * A node has one owner at a time: nobody who runs takes a node for announced that the registry has ended the lease of, or
 * that another has been told the same of. What is lost with the registry's data is excused.
 */
export const ownersAreRegistered: Invariant = {
  name: 'who takes a node for announced alone owns it',
  violations: world =>
    new Observable(subscriber => {
      const owners = new Map<string, Owner>()
      let registered = new Set<string>()
      subscriber.add(
        world.registry$.subscribe(step => {
          const fault = follow(owners, step, world)
          if (fault !== undefined) subscriber.next(fault)
        }),
      )
      subscriber.add(
        world.registered$.subscribe(({ services }) => {
          const now = new Set(services.flatMap(({ name, nodes }) => nodes.map(({ id }) => `${name} ${id}`)))
          const before = registered
          registered = now
          if (isWiped(world)) return
          for (const [node, { process, life }] of owners) {
            if (!before.has(node) || now.has(node) || !world.isLive(process, life)) continue
            subscriber.next(`${process} takes ${node} for announced, whose lease the registry has ended`)
          }
        }),
      )
    }),
}

function follow(owners: Map<string, Owner>, step: RegistryStep, world: ObservedWorld): string | undefined {
  const { process, life, registration, instance, gone } = step
  const left = gone === true ? instance : registration?.lost === undefined ? undefined : registration.instance
  if (left !== undefined) {
    const node = keyOf(left)
    if (isSame(owners.get(node), step)) owners.delete(node)
    return undefined
  }
  if (registration === undefined) return undefined
  const node = keyOf(registration.instance)
  const other = owners.get(node)
  owners.set(node, { process, life })
  if (other === undefined || isSame(other, step) || !world.isLive(other.process, other.life)) return undefined
  return `${process} and ${other.process} both take ${node} for announced`
}

function isSame(owner: Owner | undefined, { process, life }: Owner): boolean {
  return owner?.process === process && owner.life === life
}

function isWiped(world: ObservedWorld): boolean {
  const now = world.now()
  return world.faults.some(({ kind, at, ms }) => kind === 'registryWipe' && at <= now && now <= at + ms)
}

function keyOf({ name, node }: { readonly name: string; readonly node: { readonly id: string } }): string {
  return `${name} ${node.id}`
}
