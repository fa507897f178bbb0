import { spawnSync } from 'node:child_process'

/** Compiles the package, so that specs that import it by name run against what is published. */
export default function build(): void {
  const { status } = spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' })
  if (status !== 0) throw new Error('the build failed, see above')
}
