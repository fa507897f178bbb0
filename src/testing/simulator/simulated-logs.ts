import { Subject, tap } from 'rxjs'
import {
  memoryLog,
  type Appended,
  type ConsumerOptions,
  type LogConsumer,
  type LogRecord,
  type MessageLog,
} from '../../broker/index.js'
import type { Runtime } from '../../core/index.js'
import type { MessageStep } from './observed.js'

/** The logs of a durable broker, on a machine of its own, which keeps what it has when it goes down. */
export class SimulatedLogs {
  /** What is kept, and for whom. */
  readonly steps$: Subject<MessageStep>
  /** Emits when its process dies. */
  readonly crashed$: Subject<void>
  /** Whether it does not answer. */
  isDown: boolean
  private readonly logs: { readonly [K in LogName]: MessageLog }
  private readonly groups: Set<string>

  constructor(runtime: Runtime) {
    this.steps$ = new Subject()
    this.crashed$ = new Subject()
    this.isDown = false
    const maxRecords = Infinity
    this.logs = { messages: memoryLog({ runtime, maxRecords }), dead: memoryLog({ runtime, maxRecords }) }
    this.groups = new Set()
  }

  /** Kills it, or starts it again. */
  setDown(down: boolean): void {
    if (down === this.isDown) return
    this.isDown = down
    if (down) this.crashed$.next()
  }

  /** One of its logs, whose records are told of when they are kept. */
  log(name: LogName): MessageLog {
    const log = this.logs[name]
    const kept = (record: LogRecord, { sequence, duplicate }: Appended): void => {
      if (!duplicate) this.steps$.next({ step: 'kept', log: name, record: { ...record, sequence } })
    }
    const attached = ({ queue, topic }: ConsumerOptions, { next }: LogConsumer): void => {
      const group = `${queue} ${topic}`
      if (queue === undefined || name === 'dead' || this.groups.has(group)) return
      this.groups.add(group)
      this.steps$.next({ step: 'group', queue, topic, next })
    }
    return {
      name: 'simulated',
      status$: log.status$,
      open$: log.open$,
      append: record => log.append(record).pipe(tap(appended => kept(record, appended))),
      consume: options => log.consume(options).pipe(tap(consumer => attached(options, consumer))),
      read: topic => log.read(topic),
      remove: sequences => log.remove(sequences),
    }
  }
}

/** Which of the logs. */
export type LogName = 'messages' | 'dead'
