// Draws docs/diagrams from the specs in marbles, which it runs. `npm test` compares them with what is drawn.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeGallery } from './diagrams/gallery-files.mjs'
import { galleryOf } from './diagrams/gallery.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folder = mkdtempSync(join(tmpdir(), 'millrace-diagrams-'))
process.chdir(root)
try {
  const file = join(folder, 'report.json')
  const vitest = join('node_modules', '.bin', 'vitest')
  const args = ['run', 'marbles/', '--typecheck.enabled=false', '--reporter=json', `--outputFile=${file}`]
  const { stdout, stderr, status } = spawnSync(vitest, args, { encoding: 'utf8' })
  if (status === 0) {
    const gallery = await galleryOf(root, JSON.parse(readFileSync(file, 'utf8')))
    writeGallery(join(root, 'docs', 'diagrams'), gallery)
    console.log(`docs/diagrams: ${[...gallery.files.keys()].filter(path => path.endsWith('.svg')).length} diagrams`)
  } else {
    console.log(`${stdout}${stderr}\nA spec fails, so nothing is drawn; see \`npx vitest run marbles/\``)
    process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true })
}
