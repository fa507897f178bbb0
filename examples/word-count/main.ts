import { constants } from 'node:os'
import { systemRuntime } from 'millrace'
import { catchError, defer, firstValueFrom, fromEvent, map, merge, mergeMap, throwError, timer } from 'rxjs'
import { type Arguments, readArguments, usage, UsageError } from './arguments.js'
import { startChildren } from './children.js'
import { openFolder } from './folder.js'
import { job, type JobResult } from './job.js'
import { resultJson, resultTable } from './result.js'

const { stderr } = process

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Ends the job; the exit code is the shell's for a program that a signal ended. */
const interrupted$ = merge(
  ...SIGNALS.map(signal => fromEvent(process, signal).pipe(map(() => 128 + constants.signals[signal]))),
)

/** Sockets of a process that dies close before its end is told: so long a failure waits for a better one, ms. */
const NEWS_WITHIN_MS = 100

process.exitCode = await main()

async function main(): Promise<number> {
  try {
    const read = readArguments(process.argv.slice(2))
    if (read !== undefined) return await run(read)
    console.log(usage)
    return 0
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    stderr.write(`${error.message}\n\n${usage}\n`)
    return 2
  }
}

async function run({ folder: name, ending, tokenizers, json }: Arguments): Promise<number> {
  const folder = await openFolder(name, ending)
  const id = systemRuntime().id().slice(0, 12)
  const roles = ['reader', ...Array.from({ length: tokenizers }, () => 'tokenizer' as const), 'counter'] as const
  const children = startChildren(roles, id)
  // npm hands on what the terminal has sent already: the second signal must not end the job before its children.
  for (const signal of SIGNALS) process.on(signal, () => {})
  try {
    const done$ = defer(() => job({ folder, children, tokenizers, run: id, out: stderr })).pipe(
      catchError(error => timer(NEWS_WITHIN_MS).pipe(mergeMap(() => throwError(() => error)))),
    )
    const end = await firstValueFrom(merge(interrupted$, children.failures$, done$))
    if (typeof end !== 'number') return report(end, json)
    await children.stop()
    process.exit(end) // whatever of the job is still under way
  } catch (error) {
    stderr.write(`the job has failed: ${error instanceof Error ? error.message : String(error)}\n`)
    await children.stop()
    process.exit(1)
  } finally {
    await children.stop()
  }
}

function report({ result, differences }: JobResult, json: boolean): number {
  for (const difference of differences) stderr.write(`differs: ${difference}\n`)
  console.log(json ? resultJson(result) : resultTable(result))
  return differences.length === 0 ? 0 : 1
}
