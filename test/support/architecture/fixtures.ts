import { barrels, implementationsApart, importDirection, noCycles, packageForms } from './import-rules.js'
import { namedExports, noAny, privateReadonly, typedErrors } from './code-rules.js'
import { documented, documentedDefaults } from './documented-rules.js'
import { exactNumbers, oneDoorToTime, quietLibrary } from './global-rules.js'
import { kebabCase, namesThatSay, noModuleState } from './name-rules.js'
import { nodeApart, portableGlobals } from './portable-rules.js'
import { noMocks, noSleeps, shortTitles } from './test-rules.js'
import type { Rule } from './source-file.js'

/** Files that break one rule: on every line that ends in `// ✗`, and on no other. */
export interface Fixture {
  readonly rule: Rule
  readonly files: { readonly [path: string]: string }
}

/** At least one fixture for every rule, with what the rule must report and what it must let pass. */
export const fixtures: readonly Fixture[] = [
  {
    rule: importDirection,
    files: {
      'src/core/clock.ts': `
        import type { Peer } from '../protocol/index.js' // ✗
        import { more } from './more.js'`,
      'src/streams/paced.ts': `
        import { RpcError } from '../core/index.js'
        export * from '../codec/index.js' // ✗
        type Late = import('../actors/index.js').Actor // ✗
        const late = () => import('../broker/index.js') // ✗
        import { spawn } from '../../scripts/spawn.js' // ✗
        import { everything } from '../index.js' // ✗`,
      'src/registry/memory.ts': `import type { Socket } from '../transport/index.js' // ✗`,
      'src/selector/random.ts': `
        import type { Node } from '../registry/index.js'
        import { nodesOf } from '../registry/index.js' // ✗`,
      'src/actors/mailbox.ts': `
        import { hold } from '../streams/index.js'
        import type { Broker } from '../broker/index.js' // ✗`,
      'src/actors/server.ts': `import type { Broker } from '../broker/index.js'`,
      'src/index.ts': `export * from './actors/index.js'`,
    },
  },
  {
    rule: noCycles,
    files: {
      'src/core/a.ts': `import { b } from './b.js'`,
      'src/core/b.ts': `import { c } from './c.js'`,
      'src/core/c.ts': `import type { A } from './a.js' // ✗`,
      'src/core/d.ts': `import { a } from './a.js'`,
      'src/core/self.ts': `import { self } from './self.js' // ✗`,
    },
  },
  {
    rule: barrels,
    files: {
      'src/codec/json.ts': `
        import { RpcError } from '../core/index.js'
        import { header } from '../core/header.js' // ✗
        import { frame } from '../protocol/rsocket/frame.js' // ✗
        import { rsocket } from '../protocol/rsocket/index.js'
        import type { Codec } from './codec.js'
        import { bytes } from './index.js' // ✗`,
      'src/protocol/rsocket/frame.ts': `
        import { rsocket } from './index.js' // ✗
        import { stream } from './stream.js'`,
      'src/protocol/index.ts': `
        export * from './peer.js'
        export * from './rsocket/index.js'`,
    },
  },
  {
    rule: implementationsApart,
    files: {
      'src/registry/registry.ts': `
        export interface Registry {}
        import { memoryRegistry } from './memory.js' // ✗`,
      'src/registry/memory.ts': `
        import type { Registry } from './registry.js'
        import { compare } from './snapshot.js'
        export function memoryRegistry(): Registry { return {} }`,
      'src/registry/cached.ts': `
        import { memoryRegistry } from './memory.js' // ✗
        export const cached: (source: Registry) => Registry = source => source`,
      'src/registry/snapshot.ts': `export const compare = 1`,
      'src/registry/index.ts': `export * from './memory.js'`,
      'src/selector/default-selector.ts': `import { random } from './random.js'`,
      'src/selector/random.ts': `
        import { strategy } from './strategy.js'
        export const random: Selector = strategy()`,
      'src/selector/strategy.ts': `export function strategy(): Selector {}`,
      'src/registry/mdns/index.ts': `
        import { record } from './record.js'
        import { compare } from '../snapshot.js'`,
      'src/registry/mdns/record.ts': `import { memoryRegistry } from '../memory.js' // ✗`,
      'src/streams/paced.ts': `import { deliver } from './delivery.js'`,
    },
  },
  {
    rule: nodeApart,
    files: {
      'src/transport/index.ts': `
        export * from './memory.js'
        export * from './tcp-options.js'`,
      'src/transport/memory.ts': `
        import { Observable } from 'rxjs'
        import { pack } from 'msgpackr'
        import type { StandardSchemaV1 } from '@standard-schema/spec'
        import type { Socket } from 'node:net' // ✗
        import { hostname } from 'os' // ✗
        import { Etcd3 } from 'etcd3' // ✗`,
      'src/transport/tcp.ts': `
        import { connect } from 'node:net'
        import './net-socket.js'
        import './tcp-options.js'`,
      'src/transport/net-socket.ts': `import type { Socket } from 'node:net'`,
      'src/transport/tcp-options.ts': `import type { Socket } from 'node:net' // ✗`,
      'src/registry/mdns/index.ts': `import mdns from 'multicast-dns'`,
      'src/transport/nobody.ts': `import net from 'node:net' // ✗`,
    },
  },
  {
    rule: packageForms,
    files: {
      'src/streams/paced.ts': `
        import { map } from 'rxjs'
        import { mergeMap } from 'rxjs/operators' // ✗
        import { x } from 'rxjs/internal/x' // ✗
        import { TestScheduler } from 'rxjs/testing' // ✗
        import * as E from 'fp-ts/lib/Either.js'
        import * as O from 'fp-ts/Option' // ✗
        import { either } from 'fp-ts' // ✗
        import { Packr } from 'msgpackr' // ✗
        import { Packr } from 'msgpackr/pack'
        import { left } from 'fp-ts/lib/Either' // ✗
        import { hold } from './delivery' // ✗
        import { pull } from './pull.js'`,
      'src/testing/scheduler.ts': `import { TestScheduler } from 'rxjs/testing'`,
    },
  },
  {
    rule: namesThatSay,
    files: {
      'src/core/string-utils.ts': ` // ✗`,
      'src/common/list.ts': ` // ✗`,
      'test/helpers/wait.ts': ` // ✗`,
      'src/core/manager.ts': ` // ✗`,
      'src/core/connection-manager.ts': `
        export class BaseManager {} // ✗
        export class ManagerImpl {} // ✗
        export interface IManager {} // ✗
        export interface Item {}
        export type Id = string
        export type IO = string
        export function miscHelper() {} // ✗
        export function baseline() {}
        class Manager {} // ✗
        function commonality() {}`,
    },
  },
  {
    rule: kebabCase,
    files: {
      'src/core/RingBuffer.ts': ` // ✗`,
      'src/core/ring_buffer.ts': ` // ✗`,
      'src/core/ring-buffer.ts': ``,
      'test/core/ring-buffer.spec.ts': ``,
      'test/types/contract.test-d.ts': ``,
    },
  },
  {
    rule: noModuleState,
    files: {
      'src/core/ids.ts': `
        let last = 0 // ✗
        export let current = 0 // ✗
        const LIMIT = 1
        export function next(): number { let id = LIMIT; return id }`,
    },
  },
  {
    rule: oneDoorToTime,
    files: {
      'src/core/runtime.ts': `export const now = () => Date.now() + Math.random()`,
      'src/streams/retry.ts': `
        import { asyncScheduler, timer, delay, type SchedulerLike } from 'rxjs' // ✗
        import { VirtualTimeScheduler, concatMap } from 'rxjs'
        import { setTimeout as sleep } from 'node:timers/promises' // ✗
        import { randomUUID } from 'node:crypto' // ✗
        import { createHash } from 'node:crypto'
        setTimeout(task, 1) // ✗
        globalThis.setTimeout(task, 1) // ✗
        window.setInterval(task, 1) // ✗
        const later = setImmediate // ✗
        const { queueMicrotask: soon } = globalThis // ✗
        performance.now() // ✗
        crypto.getRandomValues(bytes) // ✗
        Date.now() // ✗
        Date['now']() // ✗
        new Date() // ✗
        Date() // ✗
        const { now } = Date // ✗
        const clock = Date // ✗
        new Date(12)
        value instanceof Date
        Date.UTC(2020, 1)
        Math.random() // ✗
        Math['random']() // ✗
        const { random } = Math // ✗
        Math.max(1, 2)
        process.nextTick(task) // ✗
        globalThis.process.nextTick(task) // ✗
        AbortSignal.timeout(5) // ✗
        AbortSignal.any([])
        timer(5) // ✗
        timer(5, scheduler)
        delay(5, runtime.scheduler)
        runtime.random()
        runtime.setTimeout(task)
        interface Platform { setTimeout(): void; performance: unknown }
        type Clock = typeof performance`,
    },
  },
  {
    rule: exactNumbers,
    files: {
      'src/streams/retry.ts': `
        const a = 2 ** 3 // ✗
        a **= 2 // ✗
        Math.pow(2, 3) // ✗
        const b = 2 * 3 << 1`,
    },
  },
  {
    rule: quietLibrary,
    files: {
      'src/core/log.ts': `console.error('x')`,
      'src/core/rpc-error.ts': `
        console.log('x') // ✗
        globalThis.console.warn('x') // ✗
        const print = console // ✗
        process.exit(1) // ✗
        this.console.log('x')`,
    },
  },
  {
    rule: portableGlobals,
    files: {
      'src/transport/tcp.ts': `Buffer.alloc(process.pid)`,
      'src/transport/memory.ts': `
        Buffer.alloc(1) // ✗
        const pid = process.pid // ✗
        require('net') // ✗
        const platform = globalThis as { process?: unknown }`,
      'src/actors/stop-signals.ts': `
        const { process } = globalThis as { process?: Platform }
        process?.on('SIGINT', stop)`,
      'src/codec/msgpack.ts': `
        const bytes = typeof Buffer === 'undefined' ? new Uint8Array(1) : Buffer.alloc(1)
        const pid = process.pid // ✗`,
    },
  },
  {
    rule: typedErrors,
    files: {
      'src/core/rpc-error.ts': `const cause = new Error('from there')`,
      'src/codec/json.ts': `
        throw new Error('x') // ✗
        throw new TypeError('x') // ✗
        subscriber.error(new RangeError('x')) // ✗
        throw Error('x') // ✗
        throw 'x' // ✗
        throw { code: 1 } // ✗
        throw error
        throw new RpcError('INTERNAL', 'x')`,
    },
  },
  {
    rule: namedExports,
    files: {
      'src/core/a.ts': `
        export default function a() {} // ✗
        export { a as default } // ✗
        export { a as b }`,
    },
  },
  {
    rule: noAny,
    files: {
      'src/core/a.ts': `
        const a: any = 1 // ✗
        const b = a as any // ✗
        const c = list[0]! // ✗
        /* @ts-ignore */ // ✗
        const any = 'any'`,
    },
  },
  {
    rule: privateReadonly,
    files: {
      'src/core/a.ts': `
        class A {
          #hidden = 1 // ✗
          private readonly seen = 2
        }`,
    },
  },
  {
    rule: documented,
    files: {
      'src/core/a.ts': `
        export const a = 1 // ✗
        /** What b is. */
        export const b = 1
        // Not a doc comment.
        export function c() {} // ✗
        /** One form. */
        export function d(x: string): void
        export function d(x: number): void
        export function d(x: unknown) {}
        /** Detached. */

        const between = 1
        export type E = string // ✗
        /** An interface. */
        export interface F extends Hidden {
          bare: string // ✗
          /** Said. */
          said: string
          call(): void // ✗
          [name: string]: unknown
        }
        interface Hidden {
          inherited: string // ✗
        }
        interface Unseen { member: string }
        /** A class. */
        export class G extends Error implements F {
          constructor() {}
          private own = 1
          open = 2 // ✗
          said = 'as the interface says'
          override name = 'G'
        }
        /** What rxjs explains. */
        export interface Receiver extends Observer<number> {}
        /** A receiver. */
        export class I implements Receiver {
          next(): void {}
          other(): void {} // ✗
        }
        /** Options. */
        export interface HOptions {
          /** Said. */
          known: string
        }
        /** Filled options. */
        export interface ResolvedHOptions {
          known: string
          unknown: string // ✗
        }
        /** A type like an interface. */
        export type H = F & {
          more: string // ✗
        }
        /** */
        export const i = 1 // ✗
        const j = 1 // ✗
        export { j }
        /** Said here. */
        const k = 1
        export { k }`,
    },
  },
  {
    rule: documentedDefaults,
    files: {
      'src/core/a.ts': `
        /** Options. */
        export interface TcpOptions {
          /** Time, ms. @default 10 */
          readonly a?: number
          /** Size. */
          readonly b?: number // ✗
          /** Needed. */
          readonly c: number
        }
        /** No options. */
        export interface Pick { readonly a?: number }`,
    },
  },
  {
    rule: shortTitles,
    files: {
      'test/core/a.spec.ts': `
        it('keeps order', () => {})
        it('keeps order while it grows around its end and then some', () => {}) // ✗
        it.each(cases)('keeps order while it grows around its end and then some', () => {}) // ✗
        describe('keeps order while it grows around its end and then some', () => {})`,
    },
  },
  {
    rule: noSleeps,
    files: {
      'test/core/a.spec.ts': `
        import { setTimeout as sleep } from 'node:timers/promises' // ✗
        await new Promise(resolve => setTimeout(resolve, 50)) // ✗
        const timer = setTimeout(fail, 1000)`,
      'test/support/eventually.ts': `await new Promise(resolve => setTimeout(resolve, 5))`,
    },
  },
  {
    rule: noMocks,
    files: {
      'test/core/a.spec.ts': `
        vi.mock('../../src/core/header.js') // ✗
        const seen = vi.fn()`,
    },
  },
]
