// docs/diagrams on the disk: writes a gallery there, or says in what it differs from one.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'

/** @typedef {import('./gallery.mjs').Gallery} Gallery */

/**
 * Makes `folder` hold what the gallery has. What is not known stays as it is.
 *
 * @param {string} folder
 * @param {Gallery} gallery
 */
export function writeGallery(folder, gallery) {
  for (const path of surplus(folder, gallery)) rmSync(join(folder, path))
  for (const [path, text] of gallery.files) {
    const file = join(folder, path)
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
}

/**
 * What is wrong with `folder`, a sentence each; nothing when it is what the gallery has.
 *
 * @param {string} folder
 * @param {Gallery} gallery
 * @returns {readonly string[]}
 */
export function galleryFaults(folder, gallery) {
  const present = new Set(filesBelow(folder))
  const faults = [...gallery.files].flatMap(([path, text]) => {
    if (!present.has(path)) return [`${join(folder, path)} is missing${ofSpec(path)}`]
    if (readFileSync(join(folder, path), 'utf8') === text) return []
    return [`${join(folder, path)} is out of date${ofSpec(path)}`]
  })
  return [...faults, ...surplus(folder, gallery).map(path => `${join(folder, path)} has no spec any more`)]
}

/**
 * @param {string} folder
 * @param {Gallery} gallery
 */
function surplus(folder, { files, unknown, specs }) {
  return filesBelow(folder).filter(path => {
    if (files.has(path) || unknown.has(path)) return false
    const page = pageOf(path)
    const ran = [...files.keys(), ...unknown].some(known => pageOf(known) === page)
    return ran || !specs.has(page)
  })
}

/** @param {string} path */
function ofSpec(path) {
  return path === 'README.md' ? '' : `, see marbles/${pageOf(path)}.spec.ts`
}

/**
 * The page to which a file belongs, without `.md`.
 *
 * @param {string} path
 */
function pageOf(path) {
  return path.endsWith('.md') ? path.slice(0, -'.md'.length) : path.slice(0, path.lastIndexOf('/'))
}

/** @param {string} folder */
function filesBelow(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll(sep, '/'),
    )
    .toSorted()
}
