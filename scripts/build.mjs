// Compiles src to dist. Incremental, so that a second run costs little; afterwards dist holds exactly what src makes.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const src = join(root, 'src')
const dist = join(root, 'dist')
const buildInfo = join(dist, '.tsbuildinfo')
const endings = ['.js', '.js.map', '.d.ts', '.d.ts.map']

let status = compile()
const made = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.ts'))
  .flatMap(file => endings.map(ending => join(dist, file.slice(0, -'.ts'.length) + ending)))
if (status === 0 && made.some(file => !existsSync(file))) {
  // Someone removed files from dist; the incremental state believes that they are still there.
  rmSync(buildInfo, { force: true })
  status = compile()
}
removeOrphans(new Set([...made, buildInfo]))
process.exit(status)

function compile() {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
  return spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json')], { stdio: 'inherit' }).status ?? 1
}

/** @param {ReadonlySet<string>} keep */
function removeOrphans(keep) {
  if (!existsSync(dist)) return
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name)
    if (entry.isFile() && !keep.has(file)) rmSync(file, { force: true })
  }
}
