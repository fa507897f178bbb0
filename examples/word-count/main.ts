import { constants } from 'node:os'
import { systemRuntime } from 'millrace'
import { defer, firstValueFrom, fromEvent, map, merge } from 'rxjs'
import { type Arguments, readArguments, usage, UsageError } from './arguments.js'
import { startChildren } from './children.js'
import { openFolder } from './folder.js'
import { job, type JobResult } from './job.js'
import { resultJson, resultTable } from './result.js'

const { stderr } = process

/** Ends the job; the exit code is the shell's for a program that a signal ended. */
const interrupted$ = merge(
  ...(['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map(signal =>
    fromEvent(process, signal).pipe(map(() => 128 + constants.signals[signal])),
  ),
)

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
  try {
    const done$ = defer(() => job({ folder, children, tokenizers, run: id, out: stderr }))
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
