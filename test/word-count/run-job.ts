import { type ChildProcess, spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import type { Result } from '../../examples/word-count/result.js'

/** How a run of the job ended. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A run of the job as a process of its own, which leads a process group as it does in a terminal. */
export interface RunningJob {
  readonly process: ChildProcess
  readonly ended: Promise<Ended>
}

/** Starts the job as `npm start` does; what the test leaves running is killed. */
export function startJob(...args: readonly string[]): RunningJob {
  const command = ['--optimize-for-size', '.cache/word-count/main.js', ...args]
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  onTestFinished(() => killGroup(child.pid))
  const code = new Promise<number | null>(resolve => child.once('exit', resolve))
  const ended = Promise.all([code, text(child.stdout), text(child.stderr)])
  return { process: child, ended: ended.then(([code, stdout, stderr]) => ({ code, stdout, stderr })) }
}

/** Runs the job to its end. */
export function runJob(...args: readonly string[]): Promise<Ended> {
  return startJob(...args).ended
}

/** What `--json` has printed: the last line. */
export function resultOf({ stdout }: Ended): Result {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Result
}

/** The services are in the group also when the job itself has ended. */
function killGroup(leader: number | undefined): void {
  if (leader === undefined) return
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // None of them is left, as it should be.
  }
}
