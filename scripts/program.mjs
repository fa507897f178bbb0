// Compiles the package and one folder of programs (bench, examples/…), then becomes the folder's main with the rest of
// the arguments: `node scripts/program.mjs bench unary --json`.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [node = '', , folder = '', ...args] = process.argv
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')

compile([join(root, 'scripts', 'build.mjs')])
compile([tsc, '-p', join(root, folder)])
const main = join(root, '.cache', basename(folder), 'main.js')
process.argv = [node, main, ...args]
await import(pathToFileURL(main).href)

/** @param {string[]} command */
function compile(command) {
  const { status } = spawnSync(process.execPath, command, { stdio: ['ignore', 2, 'inherit'] })
  if (status !== 0) process.exit(status ?? 1)
}
