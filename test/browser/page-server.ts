import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { actor, createService, memoryRegistry, paced, rsocket, RpcError, silentLog } from 'millrace'
import { websocket } from 'millrace/transport/websocket'
import { filter, finalize, map, reduce, throwError } from 'rxjs'
import { eventually } from '../support/deadline.js'
import { Abacus } from './contract.js'

/** Serves a page and answers its calls, on one port; keeps what the page tells. */
export class PageServer {
  /** Values that the page has told, by name. */
  readonly outcomes: Map<string, unknown> = new Map()
  /** What the page has noted. */
  readonly notes: string[] = []
  /** Items that the stream that never ends has produced. */
  produced = 0
  /** Whether that stream has been torn down. */
  tornDown = false
  private readonly script: string
  private readonly http: Server
  private stopService: () => void = () => {}

  constructor(script: string) {
    this.script = script
    this.http = createServer((request, response) => this.answer(request, response))
  }

  /** Address of the page. */
  get url(): string {
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}/`
  }

  async start(): Promise<void> {
    this.http.listen({ host: '127.0.0.1', port: 0 })
    await once(this.http, 'listening')
    const service = createService({
      actors: [this.abacus()],
      protocol: rsocket(websocket({ server: this.http })),
      registry: memoryRegistry(),
      address: ':0/calls',
      signals: [],
      log: silentLog,
    })
    const status$ = service.run()
    await new Promise<void>((resolve, reject) => {
      const running = status$.pipe(filter(({ state }) => state === 'registered')).subscribe({
        next: () => resolve(),
        error: reject,
      })
      this.stopService = () => running.unsubscribe()
    })
  }

  stop(): void {
    this.stopService()
    this.http.close()
    this.http.closeAllConnections()
  }

  /** Waits until the page has told of `name`. */
  async outcomeOf(name: string, ms: number): Promise<unknown> {
    await eventually(() => this.outcomes.has(name), ms, `${name} from the page`)
    return this.outcomes.get(name)
  }

  private abacus(): ReturnType<typeof actor> {
    return actor(Abacus, {
      double: number => number * 2,
      note: text => void this.notes.push(text),
      countTo: last => paced(Array.from({ length: last }, (_, index) => index + 1)),
      total: number$ => number$.pipe(reduce((sum, number) => sum + number, 0)),
      squares: number$ => number$.pipe(map(number => number * number)),
      echo: bytes => bytes,
      fail: who => throwError(() => new RpcError('ABORTED', `${who} asked for it`, { reason: 'asked_for' })),
      forever: () => paced(this.endless()).pipe(finalize(() => (this.tornDown = true))),
    })
  }

  private *endless(): Generator<number> {
    for (;;) yield this.produced++
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    if (request.method === 'POST') void this.note(request, response)
    else if (request.url === '/page.js') response.setHeader('content-type', 'text/javascript').end(this.script)
    else response.setHeader('content-type', 'text/html').end(PAGE)
  }

  private async note(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks = (await request.toArray()) as Buffer[]
    const { name, value } = JSON.parse(Buffer.concat(chunks).toString()) as { name: string; value: unknown }
    this.outcomes.set(name, value)
    response.end()
  }
}

const PAGE = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>'
