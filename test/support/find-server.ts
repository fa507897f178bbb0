import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** A server that tests start, of another project. */
export interface ServerProgram {
  /** Name of the program, which is also what Debian calls its service. */
  readonly name: string
  /** Debian's package that has it. */
  readonly debianPackage: string
  /** The variable of the environment that has its path, where it is not to be that on the PATH. */
  readonly variable: string
}

/** etcd, for the registry that uses it. */
export const etcdProgram: ServerProgram = { name: 'etcd', debianPackage: 'etcd-server', variable: 'ETCD_BIN' }

/** NATS, for the broker, the log and the transport that use it. */
export const natsProgram: ServerProgram = {
  name: 'nats-server',
  debianPackage: 'nats-server',
  variable: 'NATS_SERVER_BIN',
}

/** The path of a server's program; fails with what to do where there is none. */
export function findServer(program: ServerProgram): string {
  const { name, debianPackage, variable } = program
  const found = pathOf(program)
  if (found !== undefined) return found
  const given = process.env[variable]
  if (given !== undefined) throw new Error(`${variable} is ${given}, which is no program`)
  throw new Error(
    `${name} not found: install Debian's ${debianPackage}, or set ${variable} to its path. As root on Debian the tests install it.`,
  )
}

/**
 * The path of a server's program, which root gets installed on Debian and its like where it is missing; fails with what
 * to do.
 */
export function ensureServer(program: ServerProgram): string {
  const { name, debianPackage, variable } = program
  const missing = pathOf(program) === undefined && process.env[variable] === undefined
  if (missing && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    process.stderr.write(`installing ${debianPackage}\n`)
    const install = ['test/support/install-package.sh', debianPackage, name]
    const { status, stdout, stderr } = spawnSync('sh', install, { encoding: 'utf8' })
    if (status !== 0) process.stderr.write(`${stdout}${stderr}`)
  }
  return findServer(program)
}

function pathOf({ name, variable }: ServerProgram): string | undefined {
  const given = process.env[variable]
  if (given !== undefined) return isProgram(given) ? given : undefined
  // Debian keeps some servers where only root's PATH looks.
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  return folders.map(folder => join(folder, name)).find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
