// Packs the package as it would be published and checks its exports: publint for the map, attw for the types.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

const folder = mkdtempSync(join(tmpdir(), 'millrace-pack-'))
process.exitCode = 1
try {
  const tarball = join(folder, pack())
  const exportsFine = await checkMap(tarball)
  const typesFine = checkTypes(tarball)
  process.exitCode = exportsFine && typesFine ? 0 : 1
} finally {
  rmSync(folder, { recursive: true })
}

function pack() {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
  const { stdout, stderr, status } = spawnSync('npm', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`npm pack failed:\n${stderr}`)
  return JSON.parse(stdout)[0].filename
}

/** @param {string} tarball */
async function checkMap(tarball) {
  const bytes = readFileSync(tarball)
  const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(bytes).buffer }, strict: true })
  for (const message of messages) console.log(`publint: ${formatMessage(message, pkg ?? {})}`)
  return messages.length === 0
}

/** @param {string} tarball */
function checkTypes(tarball) {
  const attw = join('node_modules', '.bin', 'attw')
  const args = [tarball, '--profile', 'esm-only', '--no-emoji', '--no-color', '--format', 'ascii']
  const { stdout, stderr, status } = spawnSync(attw, args, { encoding: 'utf8' })
  if (status !== 0)
    console.log(
      `attw:\n${stdout
        .split(/\n\*+\n/)
        .filter(isFaulty)
        .join('\n')}${stderr}`,
    )
  return status === 0
}

/**
 * Whether a section of attw's report is about an entry point that has a fault.
 *
 * @param {string} section
 */
function isFaulty(section) {
  return /^(node16 \(from ESM\)|bundler): (?!OK)/m.test(section)
}
