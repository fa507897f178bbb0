import { type Client, createClient, paced, type Registry, roundRobin } from 'millrace'
import { rsocket } from 'millrace/protocol/rsocket'
import { mdns } from 'millrace/registry/mdns'
import { tcp } from 'millrace/transport/tcp'
import { filter, firstValueFrom, forkJoin, lastValueFrom, take, throwError, timeout } from 'rxjs'
import type { Children } from './children.js'
import { Counter, Reader, Tokenizer } from './contracts.js'
import { filesBelow, type Path } from './files.js'
import type { Folder } from './folder.js'
import { InFlight } from './in-flight.js'
import { PeakRss } from './peak-rss.js'
import { pipeline, type Services } from './pipeline.js'
import { plainCount } from './plain-count.js'
import { ProgressBar, showWhile } from './progress.js'
import { differences, type Result } from './result.js'
import { CONCURRENCY, FOUND_WITHIN_MS, serviceName, WINDOW } from './settings.js'

/** What the job works with. */
export interface JobOptions {
  readonly folder: Folder
  /** The processes that do the work. */
  readonly children: Children
  /** How many of them are tokenizers. */
  readonly tokenizers: number
  /** Id of the run. */
  readonly run: string
  /** Where the bar and the notes go. */
  readonly out: NodeJS.WriteStream
}

/** What came of it. */
export interface JobResult {
  readonly result: Result
  /** What the plain count has found otherwise; empty when the two agree. */
  readonly differences: readonly string[]
}

/** Counts a folder with the services, then once more without, and compares. */
export async function job(options: JobOptions): Promise<JobResult> {
  const { folder, children, tokenizers, run, out } = options
  const registry = mdns({ loopbackOnly: true })
  await allFound(registry, run, tokenizers)
  const client = createClient({ protocol: rsocket(tcp(), { window: WINDOW }), registry, selector: roundRobin })
  const memory = new PeakRss()
  const counted = await count(folder, servicesOf(client, run), out)
  client.close()
  const [reader, tokenizer, counter] = await Promise.all([
    children.growthMb('reader'),
    children.growthMb('tokenizer'),
    children.growthMb('counter'),
  ])
  const again = plainCount(folder.path, folder.ending)
  const plain = await showWhile(out, 'counting once more without millrace …', again)
  const result = { ...counted, rssMb: { reader, tokenizer, counter, parent: memory.growthMb() } }
  memory.stop()
  return { result, differences: differences(result, plain) }
}

async function count(folder: Folder, services: Services, out: NodeJS.WriteStream): Promise<Omit<Result, 'rssMb'>> {
  const inFlight = new InFlight()
  let files = 0
  let unreadable = 0
  const bar = new ProgressBar(out, () => ({
    files: files + unreadable,
    filesInAll: folder.files,
    lines: inFlight.entered,
    inFlight: inFlight.now,
  }))
  const refuse = (path: Path, why: string): void => {
    unreadable++
    bar.note(`unreadable: ${JSON.stringify(path.toString())}: ${why}`)
  }
  const paths = filesBelow(folder.path, {
    ending: folder.ending,
    onUnreadable: (path, error) => refuse(path, String(error)),
  })
  const startedAt = performance.now()
  const totals$ = pipeline(paced(paths, { window: CONCURRENCY }), services, {
    concurrency: CONCURRENCY,
    inFlight,
    onFile: () => files++,
    onRefused: (path, { rawMessage }) => refuse(path, rawMessage),
  })
  try {
    const totals = await lastValueFrom(totals$)
    const seconds = Math.round(performance.now() - startedAt) / 1000
    return { files, unreadable, ...totals, seconds, peakInFlight: inFlight.peak }
  } finally {
    bar.stop()
  }
}

function servicesOf(client: Client, run: string): Services {
  return {
    reader: client.of(Reader, { service: serviceName('reader', run) }),
    tokenizer: client.of(Tokenizer, { service: serviceName('tokenizer', run) }),
    counter: client.of(Counter, { service: serviceName('counter', run) }),
  }
}

/** Waits until every process has registered, so that the first files do not all go to the first tokenizer. */
async function allFound(registry: Registry, run: string, tokenizers: number): Promise<void> {
  const expected = { reader: 1, tokenizer: tokenizers, counter: 1 }
  const found = Object.entries(expected).map(([service, nodes]) =>
    registry.watch(serviceName(service, run)).pipe(
      filter(({ services }) => services.flatMap(({ nodes }) => nodes).length >= nodes),
      take(1),
    ),
  )
  const tooLate = () => new Error(`the services have not registered within ${FOUND_WITHIN_MS} ms`)
  await firstValueFrom(forkJoin(found).pipe(timeout({ first: FOUND_WITHIN_MS, with: () => throwError(tooLate) })))
}
