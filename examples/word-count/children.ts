import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { firstValueFrom, fromEvent, merge, mergeMap, NEVER, type Observable, throwError, timeout } from 'rxjs'

/** What the processes of the job are; each is a program beside this file. */
export type Role = 'reader' | 'tokenizer' | 'counter'

/** The processes of one run. */
export interface Children {
  /** Fails when one of them ends by itself. */
  readonly failures$: Observable<never>
  /** By how much the largest process of a role has grown since it was registered, MB; fails when one does not answer. */
  growthMb(role: Role): Promise<number>
  /** Ends them all and waits for it; who does not end by itself is killed. May be called again. */
  stop(): Promise<void>
}

/** How long a process may take to end by itself, ms. */
const PATIENCE_MS = 300
/** Longest that a process may take to answer; one that is frozen and had nothing to do is found out by this alone, ms. */
const ANSWER_WITHIN_MS = 5000

/** Starts one process for each role named. */
export function startChildren(roles: readonly Role[], run: string): Children {
  const children = roles.map(role => ({ role, child: start(role, run) }))
  let stopping = false
  return {
    failures$: merge(
      ...children.map(({ role, child }) =>
        fromEvent(child, 'exit', (code: number | null, signal: string | null) => signal ?? `exit code ${code}`).pipe(
          mergeMap(how => (stopping ? NEVER : throwError(() => new Error(`the ${role} has ended by itself: ${how}`)))),
        ),
      ),
    ),
    async growthMb(role) {
      const ofRole = children.filter(child => child.role === role)
      return Math.max(...(await Promise.all(ofRole.map(ask))))
    },
    async stop() {
      stopping = true
      await Promise.all(children.map(({ child }) => end(child)))
    },
  }
}

function start(role: Role, run: string): ChildProcess {
  // What they write goes to stderr: stdout is for the result.
  return fork(fileURLToPath(new URL(`./${role}.js`, import.meta.url)), [run], { stdio: ['ignore', 2, 2, 'ipc'] })
}

function ask({ role, child }: { readonly role: Role; readonly child: ChildProcess }): Promise<number> {
  const tooLate = () => new Error(`the ${role} has not answered within ${ANSWER_WITHIN_MS} ms`)
  const answer$ = fromEvent(child, 'message', (growthMb: number) => growthMb)
  const answered = firstValueFrom(answer$.pipe(timeout({ first: ANSWER_WITHIN_MS, with: () => throwError(tooLate) })))
  child.send('growthMb')
  return answered
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  if (child.connected) child.disconnect()
  const killing = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
  await ended
  clearTimeout(killing)
}
