import { spawnSync } from 'node:child_process'

const PACKAGES: readonly string[] = ['openjdk-17-jdk-headless', 'maven']

/** Why nothing can be tried. */
export class CannotRun extends Error {}

/**
 * Makes sure that there are Java 17 or newer, its compiler and Maven. Root gets them installed, from Debian's packages;
 * anybody else is told what to install.
 */
export function ensureJava(): void {
  if (missing().length === 0) return
  if (process.getuid?.() !== 0) throw new CannotRun(`${advice()} As root, this installs them.`)
  process.stderr.write(`installing ${PACKAGES.join(' and ')}\n`)
  const quiet = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const updated = run('apt-get', ['update', '-q'], quiet)
  const installed = updated && run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...PACKAGES], quiet)
  if (!installed || missing().length > 0) throw new CannotRun(`${advice()} apt-get could not install them.`)
}

function missing(): readonly string[] {
  const lacks: string[] = []
  if (!(javaVersion('java') >= 17)) lacks.push('java 17')
  if (!(javaVersion('javac') >= 17)) lacks.push('javac 17')
  if (spawnSync('mvn', ['--version']).status !== 0) lacks.push('mvn')
  return lacks
}

/** Major version of a Java program; NaN when there is none. */
function javaVersion(program: string): number {
  const { stdout, stderr } = spawnSync(program, ['-version'], { encoding: 'utf8' })
  return Number(/(?:version "|javac )(\d+)/.exec(`${stdout}${stderr}`)?.[1])
}

function advice(): string {
  return `${missing().join(', ')} not found: install Debian's ${PACKAGES.join(' and ')}, or their like.`
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): boolean {
  return spawnSync(program, args, { env, stdio: ['ignore', 2, 2] }).status === 0
}
