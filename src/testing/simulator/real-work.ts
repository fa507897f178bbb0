import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AsyncLocalStorage, createHook, executionAsyncId, type AsyncHook } from 'node:async_hooks'
import { RpcError } from '../../core/index.js'

/** What resources of the platform are called by people. */
const names: { readonly [type: string]: string } = {
  Timeout: 'setTimeout or setInterval',
  Immediate: 'setImmediate',
  GETADDRINFOREQWRAP: 'a DNS lookup',
  TCPWRAP: 'a TCP socket',
  TCPSERVERWRAP: 'a TCP server',
  TCPCONNECTWRAP: 'a TCP connection',
  PIPEWRAP: 'a pipe',
  UDPWRAP: 'a UDP socket',
  PROCESSWRAP: 'a child process',
  WORKER: 'a worker',
  FSREQCALLBACK: 'the file system',
  FSREQPROMISE: 'the file system',
  FILEHANDLE: 'the file system',
}

/** Resources that are no work: they settle before the next turn, or only keep something together. */
const harmless = new Set(['TickObject', 'Microtask', 'PROMISE', 'AsyncResource', 'WRITEWRAP', 'SHUTDOWNWRAP'])
const settling = new Set(['TickObject', 'Microtask', 'PROMISE'])

/** The package; its own files are below, in `dist`, or `src` where source maps are read. */
const PACKAGE = fileURLToPath(new URL('../../../', import.meta.url))
const OWN = ['dist', 'src'].map(folder => join(PACKAGE, folder, sep))
/** Where RxJS sets the timers of its own schedulers. */
const RXJS_TIMER = /[\\/]rxjs[\\/].*[\\/](?:interval|immediate)Provider\./
/** How deep the user's code may be below what it called. */
const STACK_LINES = 50

/** Sees what code does behind the back of virtual time: promises, which must be waited for, and real timers and I/O. */
export class RealWork {
  /** What real work has begun, and where. */
  readonly found: string[]
  /** Whether an error of an Observable is on its way to whoever hears of those that nobody handled. */
  hasUnhandled: boolean
  private readonly context: AsyncLocalStorage<RealWork>
  private readonly hook: AsyncHook
  private readonly promises: WeakSet<object>
  private isUnsettled: boolean
  private hasMicrotasks: boolean

  constructor() {
    this.found = []
    this.hasUnhandled = false
    this.context = new AsyncLocalStorage()
    this.promises = new WeakSet()
    this.isUnsettled = false
    this.hasMicrotasks = false
    // A promise that is resolved later than it was made has reactions then, too.
    this.hook = createHook({
      init: (_id, type, _cause, resource) => this.begun(type, resource),
      promiseResolve: () => this.resolved(),
    })
  }

  /** Begins to watch. */
  enable(): void {
    this.hook.enable()
  }

  /** Stops watching. */
  disable(): void {
    this.hook.disable()
    this.context.disable()
  }

  /** Runs code that is watched, and whatever follows from it. */
  watch<T>(task: () => T): T {
    return this.context.run(this, task)
  }

  /** Whether promises have been made since this was asked last. */
  takeUnsettled(): boolean {
    const { isUnsettled } = this
    this.isUnsettled = false
    return isUnsettled
  }

  /** Whether a promise was made by watched code. */
  owns(promise: Promise<unknown>): boolean {
    return this.promises.has(promise)
  }

  /** Whether the code that runs now is watched. */
  isHere(): boolean {
    return this.context.getStore() === this
  }

  /** Whether an error that nobody caught just now is one of watched code. */
  hasThrown(): boolean {
    // The platform has forgotten whose a micro-task was when it says that it threw.
    return this.isHere() || (this.hasMicrotasks && executionAsyncId() === 0)
  }

  private resolved(): void {
    if (this.isHere()) this.isUnsettled = true
  }

  private begun(type: string, resource: object): void {
    if (!this.isHere()) return
    if (type === 'PROMISE') this.promises.add(resource)
    if (type === 'Microtask') this.hasMicrotasks = true
    if (settling.has(type)) this.isUnsettled = true
    if (harmless.has(type)) return
    const stack = stackHere()
    // What the platform does to show text, and when it goes on after an error.
    if (/node:internal\/(console|process\/execution)/.test(stack)) return
    if (stack.includes('reportUnhandledError')) this.hasUnhandled = true
    else
      this.found.push(
        `${RXJS_TIMER.test(stack) ? 'an RxJS timer without a scheduler' : (names[type] ?? type)}${placeIn(stack)}`,
      )
  }
}

function stackHere(): string {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = STACK_LINES
  const { stack = '' } = new RpcError('INTERNAL', 'here')
  Error.stackTraceLimit = stackTraceLimit
  return stack
}

/** The first line of a stack that is neither the platform's nor a library's. */
function placeIn(stack: string): string {
  const lines = stack.split('\n').filter(line => line.trimStart().startsWith('at '))
  const outside = lines.filter(line => !/node:|[\\/]node_modules[\\/]/.test(line))
  const place = outside.find(line => !OWN.some(folder => line.includes(folder)))
  return place === undefined ? '' : ` ${place.trim()}`
}
