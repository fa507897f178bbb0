import { fork, spawnSync, type ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

/** Puts a process on one core, where the machine has `taskset` and more than one core. */
export function pin(pid: number, core: number): boolean {
  if (availableParallelism() < 2) return false
  return spawnSync('taskset', ['-a', '-c', '-p', String(core), String(pid)], { stdio: 'ignore' }).status === 0
}

/** Starts a compiled bench program beside this one in a process of its own, on core 1, with us on core 0. */
export function forkPinned(program: string): ChildProcess {
  const child = fork(fileURLToPath(new URL(program, import.meta.url)))
  pin(process.pid, 0)
  if (child.pid !== undefined) pin(child.pid, 1)
  return child
}
