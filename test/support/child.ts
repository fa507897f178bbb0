import { spawn, type ChildProcess } from 'node:child_process'
import { basename } from 'node:path'
import { createInterface } from 'node:readline'
import { buildSync } from 'esbuild'
import { becomes } from './deadline.js'

/** A program in a process of its own, that tells what happens in lines of JSON. */
export class Child {
  /** What it has told. */
  readonly told: { readonly [name: string]: unknown }[]
  private readonly process: ChildProcess
  private errors: string

  /** Runs a program in TypeScript, given by its path from the root of the repository. */
  constructor(path: string, args: readonly string[] = []) {
    this.told = []
    this.errors = ''
    this.process = spawn(process.execPath, [compiled(path), ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
    const { stdout, stderr } = this.process
    if (stdout !== null) createInterface(stdout).on('line', line => this.told.push(JSON.parse(line)))
    stderr?.on('data', (chunk: Buffer) => (this.errors += chunk.toString()))
  }

  /** Whether it has ended by itself, and well. */
  get ended(): boolean {
    return this.process.exitCode === 0
  }

  /** Waits until it has told of `name`, and gives what. */
  async tells(name: string, ms = 8000): Promise<unknown> {
    const find = (): { readonly [name: string]: unknown } | undefined => this.told.find(line => name in line)
    await becomes(async () => find() !== undefined || this.process.exitCode !== null, ms, `${name} from a child`)
    if (find() === undefined) throw new Error(`a child ended before it told of ${name}: ${this.errors}`)
    return find()?.[name]
  }

  /** Waits until it ends by itself. */
  async ends(ms = 8000): Promise<void> {
    await becomes(async () => this.process.exitCode !== null, ms, 'the end of a child')
    if (!this.ended) throw new Error(`a child ended with ${this.process.exitCode}: ${this.errors}`)
  }

  /** Ends its input, which is how it hears that it is to end. */
  endInput(): void {
    this.process.stdin?.end()
  }

  /** Sends it a signal. */
  signal(name: NodeJS.Signals): void {
    this.process.kill(name)
  }
}

const compiledPaths = new Set<string>()

/** A file of JavaScript, within the repository, so that it finds the package by its name. Made once: others may run it. */
function compiled(path: string): string {
  const outfile = `.cache/children/${basename(path, '.ts')}.mjs`
  if (compiledPaths.has(path)) return outfile
  compiledPaths.add(path)
  buildSync({ entryPoints: [path], outfile, bundle: true, packages: 'external', platform: 'node', format: 'esm' })
  return outfile
}
