// The gate without tests: build, format, lint, types, exports of the package, API reference.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runSteps } from './steps.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Build comes first, for the others read what it makes; it makes it even when types are wrong. */
const build = [{ name: 'build', command: node('scripts/build.mjs') }]
const checks = [
  { name: 'types', command: bin('tsc', '-p', 'tsconfig.check.json') },
  { name: 'lint', command: bin('oxlint', '--type-aware', '--deny-warnings') },
  { name: 'format', command: bin('oxfmt', '--check') },
  { name: 'exports', command: node('scripts/check-package.mjs') },
  { name: 'api', command: node('scripts/docs-api.mjs', '--check') },
  { name: 'architecture', command: bin('vitest', 'run', 'test/architecture.spec.ts', '--reporter=dot') },
]

/**
 * Runs every step.
 *
 * @param {{ architecture?: boolean }} [options] Whether to run the architecture test, which is one of all tests too.
 * @returns {Promise<{ passed: number, failed: number }>}
 */
export async function check({ architecture = true } = {}) {
  process.chdir(root)
  const built = await runSteps(build)
  const rest = await runSteps(checks.filter(({ name }) => architecture || name !== 'architecture'))
  return { passed: built.passed + rest.passed, failed: built.failed + rest.failed }
}

/** @param {string[]} args */
function node(...args) {
  return [process.execPath, ...args]
}

/** @param {[string, ...string[]]} command */
function bin(...[name, ...args]) {
  return [join(root, 'node_modules', '.bin', name), ...args]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { failed } = await check()
  process.exitCode = failed > 0 ? 1 : 0
}
