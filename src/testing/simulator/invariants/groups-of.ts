import type { MessageStep, ObservedWorld } from '../observed.js'
import { topicMatcher } from '../../../broker/index.js'

/** A message that a log has kept. */
export interface KeptMessage {
  /** Its id. */
  readonly id: string
  /** Where it was published. */
  readonly topic: string
  /** Its key. */
  readonly key: string | undefined
  /** Its number. */
  readonly sequence: number
  /** When, ms of world time. */
  readonly at: number
}

/** A queue group of a durable broker, and what it has done. */
export interface MessageGroup {
  /** Its name. */
  readonly queue: string
  /** Its topic, with wildcards perhaps. */
  readonly topic: string
  /** What it is to process and has not, by sequence. */
  readonly open: Map<number, KeptMessage>
  /** How many members it has. */
  members: number
}

/** The queue groups of a simulation, as it goes on. */
export class MessageGroups {
  /** By name and topic. */
  readonly groups: Map<string, MessageGroup & { readonly matches: (topic: string) => boolean; readonly next: number }>
  private readonly world: ObservedWorld
  private readonly kept: KeptMessage[]
  private readonly joined: Map<string, number>

  constructor(world: ObservedWorld) {
    this.groups = new Map()
    this.world = world
    this.kept = []
    this.joined = new Map()
  }

  /** Takes notice of a step. Groups are as they were before it when it is `begun`. */
  follow(step: MessageStep): void {
    switch (step.step) {
      case 'kept':
        return step.log === 'dead' ? this.dead(step.record) : this.add(step.record)
      case 'group':
        return this.addGroup(step)
      case 'joined':
      case 'left':
        return this.count(step)
      case 'done':
        this.group(step)?.open.delete(step.message.sequence)
        return
      default:
    }
  }

  /** The group that a step is of. */
  group({ queue, topic }: { readonly queue: string | undefined; readonly topic: string }): MessageGroup | undefined {
    return this.groups.get(`${queue} ${topic}`)
  }

  private add({ id, topic, header, sequence }: Extract<MessageStep, { step: 'kept' }>['record']): void {
    const message = { id, topic, key: header['millrace-key'], sequence, at: this.world.now() }
    this.kept.push(message)
    const replayedFor = header['millrace-for']
    for (const group of this.groups.values()) {
      if (replayedFor !== undefined && replayedFor !== encodeURIComponent(group.queue)) continue
      if (sequence >= group.next && group.matches(topic)) group.open.set(sequence, message)
    }
  }

  private addGroup({ queue, topic, next }: Extract<MessageStep, { step: 'group' }>): void {
    const matches = topicMatcher(topic)
    const open = new Map(
      this.kept.filter(kept => kept.sequence >= next && matches(kept.topic)).map(kept => [kept.sequence, kept]),
    )
    const key = `${queue} ${topic}`
    this.groups.set(key, { queue, topic, next, matches, open, members: this.joined.get(key) ?? 0 })
  }

  private count({ step, queue, topic }: Extract<MessageStep, { step: 'joined' | 'left' }>): void {
    const key = `${queue} ${topic}`
    const members = (this.joined.get(key) ?? 0) + (step === 'joined' ? 1 : -1)
    this.joined.set(key, members)
    const group = this.groups.get(key)
    if (group !== undefined) group.members = members
  }

  private dead({ header }: Extract<MessageStep, { step: 'kept' }>['record']): void {
    const queue = decodeURIComponent(header['millrace-queue'] ?? '')
    const sequence = Number(header['millrace-sequence'])
    for (const group of this.groups.values()) if (group.queue === queue) group.open.delete(sequence)
  }
}
