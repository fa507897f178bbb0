import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { CannotRun } from '../java-tools.js'

const FOLDER = resolve('test', 'interop', 'go-micro')
/** What go.mod asks for; Debian 12 has 1.19. */
const OLDEST = 18

/**
 * Builds the go-micro process and gives its path. Root gets Go installed where it is missing, from Debian's package.
 * Fails with {@link CannotRun}, which says what to do.
 */
export function buildGoPeer(): string {
  if (!(goVersion() >= OLDEST)) install()
  const program = resolve('.cache', 'go-micro-peer')
  mkdirSync(resolve('.cache'), { recursive: true })
  const { status, stderr } = spawnSync('go', ['build', '-mod=readonly', '-buildvcs=false', '-o', program, '.'], {
    cwd: FOLDER,
    encoding: 'utf8',
  })
  if (status !== 0) throw new CannotRun(`go-micro does not build: ${lastLines(stderr)}`)
  return program
}

function install(): void {
  const advice = `Go 1.${OLDEST} or newer not found: install Debian's golang-go, or its like.`
  if (process.getuid?.() !== 0) throw new CannotRun(`${advice} As root, this installs it.`)
  process.stderr.write('installing golang-go\n')
  spawnSync('sh', ['test/support/install-package.sh', 'golang-go', 'go'], { stdio: ['ignore', 2, 2] })
  if (!(goVersion() >= OLDEST)) throw new CannotRun(`${advice} apt-get could not install it.`)
}

/** The minor version of Go 1; NaN when there is none. */
function goVersion(): number {
  const { stdout } = spawnSync('go', ['version'], { encoding: 'utf8' })
  return Number(/go1\.(\d+)/.exec(stdout ?? '')?.[1])
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-3).join('; ')
}
