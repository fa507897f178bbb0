import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { hold } from 'millrace/streams'
import { Subscription } from 'rxjs'
import { clientOf } from './client-of.js'
import { Echo } from './echo.js'
import { now } from './monotonic-clock.js'

/** What the client is to measure with an item window of so many. */
export type WindowTask =
  | { readonly measure: 'speed'; readonly window: number; readonly ms: number }
  | { readonly measure: 'memory'; readonly window: number; readonly streams: number }

const ENDLESS = 1e9

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const [, , address = ''] = process.argv
const stubs = new Map<number, { readonly stream: ReturnType<typeof stubOf>['stream'] }>()

function stubOf(window: number) {
  return clientOf('echo', address, { window, windowBytes: Infinity }).of(Echo)
}

function streamOf(window: number) {
  const stub = stubs.get(window) ?? stubOf(window)
  stubs.set(window, stub)
  return stub.stream(ENDLESS)
}

/** Items a second that a consumer gets which does nothing with them. */
function speed(window: number, ms: number): Promise<number> {
  return new Promise(resolve => {
    let count = 0
    const startedAt = now()
    const reading = streamOf(window).subscribe(() => {
      if ((++count & 0xff) !== 0) return
      const elapsedMs = now() - startedAt
      if (elapsedMs < ms) return
      reading.unsubscribe()
      resolve(Math.round((count / elapsedMs) * 1000))
    })
  })
}

/** Bytes that a stream takes here whose consumer holds a whole window. */
async function memory(window: number, streams: number): Promise<number> {
  const before = bytesInUse()
  const held: unknown[] = []
  const all = new Subscription()
  for (let stream = 0; stream < streams; stream++) {
    all.add(streamOf(window).subscribe(item => held.push([item, hold()])))
  }
  while (held.length < streams * window) await new Promise(resolve => setTimeout(resolve, 10))
  const after = bytesInUse()
  all.unsubscribe()
  return Math.round((after - before) / streams)
}

function bytesInUse(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const perform = (task: WindowTask): Promise<number> =>
  task.measure === 'speed' ? speed(task.window, task.ms) : memory(task.window, task.streams)
process.on('message', task => void perform(task as WindowTask).then(measured => process.send?.(measured)))
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
