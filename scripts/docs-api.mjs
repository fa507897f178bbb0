// Writes the API reference, docs/api/*.md, from the doc comments in dist: one page an entry point, and a README that
// records every exported name. With --check it writes nothing and fails when the reference is out of date.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { format } from 'oxfmt'
import { entryPoints } from './api/entry-points.mjs'

/**
 * @typedef {import('./api/entry-points.mjs').Declaration} Declaration
 *
 * @typedef {import('./api/entry-points.mjs').EntryPoint} EntryPoint
 */

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folder = join(root, 'docs', 'api')
const style = JSON.parse(readFileSync(join(root, '.oxfmtrc.json'), 'utf8'))
const generated = '<!-- Made from the doc comments by `npm run docs:api`; change those. -->'

const [main, ...others] = entryPoints(root)
if (main === undefined) throw new Error('package.json exports nothing')
const homes = homesOf([...others, main])
const anchors = anchorsOf([main, ...others])
const pages = new Map([['README.md', readme([main, ...others])]])
for (const entry of [main, ...others]) {
  const own = described(entry)
  if (own.length > 0) pages.set(pageOf(entry), page(entry, own))
}
for (const [name, text] of pages) pages.set(name, (await format(name, text, style)).code)
process.exitCode = process.argv.includes('--check') ? check() : write()

/**
 * The README: what can be imported from where. A change of this file is a change of the public surface.
 *
 * @param {readonly EntryPoint[]} entries
 */
function readme(entries) {
  const sections = entries.map(entry => {
    const names = entry.declarations
      .toSorted((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1))
      .map(declaration => `- [\`${declaration.name}\`](${linkTo(declaration)}) · ${declaration.kind}`)
    return `## ${entry.specifier}\n\n${names.join('\n') || 'Nothing yet.'}`
  })
  return `${generated}\n\n# API reference\n\nEvery name that can be imported, by entry point.\n\n${sections.join('\n\n')}\n`
}

/**
 * @param {EntryPoint} entry
 * @param {readonly Declaration[]} declarations
 */
function page({ specifier }, declarations) {
  const sections = declarations.map(({ name, doc, code }) => {
    const diagrams =
      specifier === main?.specifier ? '' : diagramsOf(pageOf({ specifier }).slice(0, -'.md'.length), name)
    return `## ${name}\n\n${linked(doc)}\n\n${diagrams}\`\`\`ts\n${code.join('\n')}\n\`\`\``
  })
  return `${generated}\n\n# ${specifier}\n\n${sections.join('\n\n')}\n`
}

/**
 * The first diagram of a symbol whose marble specs are drawn, and where the others are.
 *
 * @param {string} area
 * @param {string} name
 */
function diagramsOf(area, name) {
  const page = `diagrams/${area}/${name.replace(/[A-Z]/g, capital => `-${capital.toLowerCase()}`)}.md`
  const file = join(root, 'docs', page)
  const [image, title, path] = (existsSync(file) && /!\[([^\]]*)\]\(([^)]*)\)/.exec(readFileSync(file, 'utf8'))) || []
  if (image === undefined) return ''
  return `![${title}](../diagrams/${area}/${path})\n\n[All diagrams of ${name}](../${page})\n\n`
}

/**
 * Turns `{@link name}` into a link where the name is ours.
 *
 * @param {string} doc
 */
function linked(doc) {
  return doc.replace(/\{@link ([^}\s]+)[^}]*\}/g, (_, name) => {
    const [owner] = name.split('.')
    const target = [main, ...others].flatMap(entry => entry?.declarations ?? []).find(each => each.name === owner)
    return target === undefined ? `\`${name}\`` : `[\`${name}\`](${linkTo(target)})`
  })
}

/** @param {Declaration} declaration */
function linkTo(declaration) {
  const home = homes.get(keyOf(declaration))
  return `${home === undefined ? '' : pageOf(home)}#${anchors.get(keyOf(declaration))}`
}

/**
 * The anchor of each heading on its page. Headings that differ only in case are numbered, as GitHub does.
 *
 * @param {readonly EntryPoint[]} entries
 */
function anchorsOf(entries) {
  /** @type {Map<string, string>} */
  const found = new Map()
  for (const entry of entries) {
    /** @type {Map<string, number>} */
    const seen = new Map()
    for (const declaration of described(entry)) {
      const anchor = declaration.name.toLowerCase()
      const count = seen.get(anchor) ?? 0
      seen.set(anchor, count + 1)
      found.set(keyOf(declaration), count === 0 ? anchor : `${anchor}-${count}`)
    }
  }
  return found
}

/**
 * What the page of an entry point describes.
 *
 * @param {EntryPoint} entry
 */
function described(entry) {
  return entry.declarations.filter(declaration => homes.get(keyOf(declaration)) === entry)
}

/**
 * The page on which each declaration is described: of the first entry point that exports it.
 *
 * @param {readonly EntryPoint[]} entries
 */
function homesOf(entries) {
  /** @type {Map<string, EntryPoint>} */
  const found = new Map()
  for (const entry of entries) {
    for (const declaration of entry.declarations) {
      const key = keyOf(declaration)
      if (!found.has(key)) found.set(key, entry)
    }
  }
  return found
}

/** @param {Declaration} declaration */
function keyOf({ file, name }) {
  return `${file}#${name}`
}

/** @param {Pick<EntryPoint, 'specifier'>} entry */
function pageOf({ specifier }) {
  return `${specifier.replace(/^[^/]+\//, '').replaceAll('/', '-')}.md`
}

function write() {
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(folder)) if (!pages.has(name)) rmSync(join(folder, name))
  for (const [name, text] of pages) writeFileSync(join(folder, name), text)
  return 0
}

function check() {
  const present = existsSync(folder) ? readdirSync(folder) : []
  const stale = [...new Set([...present, ...pages.keys()])].filter(name => {
    return !present.includes(name) || readFileSync(join(folder, name), 'utf8') !== pages.get(name)
  })
  for (const name of stale) console.log(`docs/api/${name} is out of date; run \`npm run docs:api\` and commit it`)
  return stale.length > 0 ? 1 : 0
}
