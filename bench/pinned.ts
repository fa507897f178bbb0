import { fork, spawnSync, type ChildProcess, type Serializable } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

/** A compiled bench program beside this one, in a process of its own. */
export interface PinnedProgram {
  /** The next message that it sends. */
  message(): Promise<unknown>
  /** Sends it one. */
  send(message: unknown): void
  /** Sends it one, and gives its answer. */
  ask(message: unknown): Promise<unknown>
  /** Lets it end. */
  end(): void
}

/** How a program is run. */
export interface PinOptions {
  /** The core that it runs on. */
  readonly core: number
  /** Flags of Node. @default none */
  readonly flags?: readonly string[]
}

/** Starts a program on one core, where the machine has `taskset` and more cores than one. */
export function forkPinned(program: string, args: readonly string[], { core, flags = [] }: PinOptions): PinnedProgram {
  const child = fork(fileURLToPath(new URL(program, import.meta.url)), args, { execArgv: [...flags] })
  if (child.pid !== undefined) pin(child.pid, core)
  const signal = failure(child, program)
  const message = async (): Promise<unknown> => ((await once(child, 'message', { signal })) as [unknown])[0]
  const send = (sent: unknown): void => void child.send(sent as Serializable)
  return {
    message,
    send,
    ask: sent => {
      const answer = message()
      send(sent)
      return answer
    },
    end: () => child.disconnect(),
  }
}

/** Keeps a process on one core, where the machine has `taskset` and more cores than one. */
export function pin(pid: number, core: number): void {
  if (availableParallelism() > 1)
    spawnSync('taskset', ['-a', '-c', '-p', String(core), String(pid)], { stdio: 'ignore' })
}

/** A program that dies ends the waiting for it. */
function failure(child: ChildProcess, program: string): AbortSignal {
  const controller = new AbortController()
  child.once('exit', code => controller.abort(new Error(`${program} exited with ${code}`)))
  return controller.signal
}
