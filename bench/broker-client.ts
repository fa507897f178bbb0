import { bareJetStream, bareNats } from './bare-nats.js'
import { figuresOf, type Figures } from './figures.js'
import { millraceBroker } from './millrace-broker.js'
import { itemOf, type Item } from './payload.js'

/** The process of one candidate: for each `ms` that its parent sends, a round of messages and its figures. */
const IN_FLIGHT = 256

/** Who publishes and consumes, and over what. */
export type BrokerCandidate = 'millrace-nats' | 'bare-nats' | 'millrace-jetstream' | 'bare-jetstream'

/** An item with the moment of its publication. */
export interface Stamped extends Item {
  readonly sentAt: number
}

/** What a candidate is told of: messages that have come back, and those that are confirmed. */
export interface LoopObserver {
  /** A message has arrived and been decoded, with its id, which a consumer that must not act twice needs. */
  received(item: Stamped, id: string): void
  /** The broker has confirmed so many more. */
  confirmed(count: number): void
}

/** A candidate at work: publishes an item. */
export type Publish = (item: Stamped) => void

const [, , candidate = '', address = ''] = process.argv

class Loop implements LoopObserver {
  private published = 0
  private arrived = 0
  private acknowledged = 0
  private latencies: number[] = []
  private endsAt = 0
  private startedAt = 0
  private done: ((figures: Figures) => void) | undefined
  publish: Publish = () => {}

  run(ms: number): Promise<Figures> {
    this.latencies = []
    this.startedAt = performance.now()
    this.endsAt = this.startedAt + ms
    return new Promise(resolve => {
      this.done = resolve
      this.fill()
    })
  }

  received({ sentAt }: Stamped, id: string): void {
    if (id === '') throw new Error('a message without its id')
    this.arrived++
    this.latencies.push(performance.now() - sentAt)
    this.fill()
  }

  confirmed(count: number): void {
    this.acknowledged += count
    this.fill()
  }

  private fill(): void {
    for (;;) {
      const underWay = this.published - Math.min(this.arrived, this.acknowledged)
      const sentAt = performance.now()
      if (sentAt >= this.endsAt) {
        if (underWay === 0) this.end(sentAt)
        return
      }
      if (underWay >= IN_FLIGHT) return
      this.published++
      this.publish({ ...itemOf(this.published), sentAt })
    }
  }

  private end(now: number): void {
    this.done?.(figuresOf(this.latencies, now - this.startedAt))
    this.done = undefined
  }
}

const candidates: Readonly<Record<BrokerCandidate, (address: string, observer: LoopObserver) => Promise<Publish>>> = {
  'millrace-nats': (at, observer) => millraceBroker(at, observer, 'nats'),
  'bare-nats': bareNats,
  'millrace-jetstream': (at, observer) => millraceBroker(at, observer, 'jetstream'),
  'bare-jetstream': bareJetStream,
}

const loop = new Loop()
loop.publish = await candidates[candidate as BrokerCandidate](address, loop)
process.on('message', ms => void loop.run(Number(ms)).then(figures => process.send?.(figures)))
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
