import { spawnSync } from 'node:child_process'

/**
 * Compiles the package, so that specs that import it by name run against what is published, and the main job, which
 * specs start as processes. Type errors are printed and do not stop the tests of everything else, for the compiler
 * writes its output all the same; the check fails on them.
 */
export default function build(): void {
  spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' })
  spawnSync('node_modules/.bin/tsc', ['-p', 'examples/word-count'], { stdio: 'inherit' })
}
