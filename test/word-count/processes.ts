import { readdirSync, readFileSync } from 'node:fs'

interface Process {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

/** The processes that a process has started and that run, as Linux lists them; zombies have ended. */
export function childrenOf(pid: number): number[] {
  return running()
    .filter(({ parent }) => parent === pid)
    .map(child => child.pid)
}

/** The services of the job that run for the run with an id, whoever is their parent by now. */
export function servicesOf(run: string): number[] {
  return running()
    .filter(({ command }) => command.includes(run))
    .map(({ pid }) => pid)
}

/** Id of the run that a service works for. */
export function runOf(service: number): string {
  return (
    running()
      .find(({ pid }) => pid === service)
      ?.command.split(' ')
      .at(-1) ?? 'none'
  )
}

function running(): Process[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(readProcess)
}

function readProcess(pid: string): Process[] {
  try {
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    return state === 'Z' ? [] : [{ pid: Number(pid), parent: Number(parent), command }]
  } catch {
    return [] // it has ended meanwhile
  }
}
