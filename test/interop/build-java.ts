import { spawnSync } from 'node:child_process'

/** Compiles a module of the folder with Maven, and those that it needs. Gives what went wrong, if anything did. */
export function buildJava(folder: string, module: string): string | undefined {
  const command = ['-q', '-B', '-f', folder, '-pl', module, '-am', 'package']
  const { status, stdout } = spawnSync('mvn', command, { encoding: 'utf8' })
  if (status === 0) return undefined
  const errors = stdout.split('\n').filter(line => line.startsWith('[ERROR]'))
  return errors.slice(0, 5).join('\n') || `mvn ended with ${status}`
}
