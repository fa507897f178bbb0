// What docs/diagrams should hold, by what vitest reports of the specs in marbles: a picture for each spec, a page for each
// file of specs, and an index.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { format } from 'oxfmt'
import { executedDiagram } from './executed-diagram.mjs'
import { laneNames } from './lane-name.mjs'
import { describeMarbles, drawMarbles } from './marble-diagram.mjs'
import { picture } from './svg.mjs'
import { describeTimeline, drawTimeline } from './timeline-diagram.mjs'

/**
 * @typedef {object} Report What vitest's json reporter writes, as far as it is read here.
 * @property {readonly { name: string, assertionResults: readonly Test[] }[]} testResults
 *
 * @typedef {object} Test
 * @property {readonly string[]} ancestorTitles
 * @property {string} title
 * @property {string} status
 * @property {{ executed?: readonly Executed[] }} [meta]
 *
 * @typedef {import('./executed-diagram.mjs').ExecutedSpec | ExecutedRun} Executed
 *
 * @typedef {{ timeline: import('./timeline-diagram.mjs').TimelineDiagram }} ExecutedRun
 *
 * @typedef {object} Gallery
 * @property {ReadonlyMap<string, string>} files Text by path below docs/diagrams.
 * @property {ReadonlySet<string>} unknown Paths of which nothing is known, for their specs did not run or failed.
 * @property {ReadonlySet<string>} specs Files of specs that exist, by the path of their page without `.md`.
 *
 * @typedef {object} Picture
 * @property {string} path
 * @property {string} title
 * @property {readonly Test[]} tests
 */

const GENERATED = '<!-- Drawn from the specs in marbles by `npm run docs:diagrams`; change those. -->'

/**
 * @param {string} root Folder of the project.
 * @param {Report} report
 * @returns {Promise<Gallery>}
 */
export async function galleryOf(root, { testResults }) {
  const names = laneNames(root)
  const style = JSON.parse(readFileSync(join(root, '.oxfmtrc.json'), 'utf8'))
  const specs = new Set(specsBelow(join(root, 'marbles')))
  /** @type {Map<string, string>} */
  const files = new Map()
  /** @type {Set<string>} */
  const unknown = new Set()
  /** @type {Map<string, readonly Picture[]>} */
  const pages = new Map()
  for (const { name, assertionResults } of testResults) {
    const page = pageOf(relative(join(root, 'marbles'), name))
    if (page === undefined || !specs.has(page)) continue
    const pictures = picturesOf(page, assertionResults)
    for (const each of pictures) {
      const svg = each.tests.every(({ status }) => status === 'passed') ? drawn(each, names) : undefined
      if (svg !== undefined) files.set(each.path, svg)
      else if (each.tests.some(({ status }) => status !== 'passed')) unknown.add(each.path)
    }
    const shown = pictures.filter(({ path }) => files.has(path))
    if (pictures.some(({ path }) => unknown.has(path))) unknown.add(`${page}.md`)
    else if (shown.length > 0) pages.set(page, shown)
  }
  for (const [page, pictures] of pages) files.set(`${page}.md`, pageText(page, pictures))
  const ran = testResults.map(({ name }) => pageOf(relative(join(root, 'marbles'), name)))
  if (unknown.size > 0 || [...specs].some(spec => !ran.includes(spec))) unknown.add('README.md')
  else files.set('README.md', index(pages))
  for (const [path, text] of files) if (path.endsWith('.md')) files.set(path, (await format(path, text, style)).code)
  return { files, unknown, specs }
}

/**
 * The pictures of a file of specs, one a spec. A law is one picture, whatever it holds for: all of them would be alike.
 *
 * @param {string} page
 * @param {readonly Test[]} tests
 * @returns {readonly Picture[]}
 */
function picturesOf(page, tests) {
  /** @type {Map<string, Picture>} */
  const pictures = new Map()
  for (const test of tests) {
    const titles = isOfLaws(page) ? [test.title] : [...test.ancestorTitles, test.title]
    const path = `${page}/${fileName(page, titles)}.svg`
    const before = pictures.get(path)
    if (before !== undefined && !isOfLaws(page)) throw new Error(`two specs would be drawn as ${path}`)
    pictures.set(path, { path, title: titles.join(' '), tests: [...(before?.tests ?? []), test] })
  }
  return [...pictures.values()]
}

/**
 * @param {Picture} picture
 * @param {ReturnType<typeof laneNames>} names
 * @returns {string | undefined} SVG; `undefined` when the spec has no lanes.
 */
function drawn({ title, tests }, names) {
  const drawn = tests.map(({ meta }) => (meta?.executed ?? []).flatMap(executed => shown(executed, names)))
  const [first] = drawn.filter(({ length }) => length > 0)
  return (
    first &&
    picture({ title, words: first.map(({ words }) => words).join(' '), drawings: first.map(({ drawing }) => drawing) })
  )
}

/**
 * @param {Executed} executed
 * @param {ReturnType<typeof laneNames>} names
 */
function shown(executed, names) {
  if ('timeline' in executed) {
    return [{ words: describeTimeline(executed.timeline), drawing: drawTimeline(executed.timeline) }]
  }
  const diagram = executedDiagram(executed, names)
  return diagram.rows.length === 0 ? [] : [{ words: describeMarbles(diagram), drawing: drawMarbles(diagram) }]
}

/** @param {string} page */
function isOfLaws(page) {
  return page.endsWith('/laws')
}

/**
 * @param {string} page
 * @param {readonly Picture[]} pictures
 */
function pageText(page, pictures) {
  const spec = `marbles/${page}.spec.ts`
  return [
    GENERATED,
    `# ${headingOf(page, pictures)}`,
    `${isOfLaws(page) ? `What holds for ${symbolsOf(pictures).join(', ')}` : 'Drawn'}: [${spec}](../../../${spec}), executed. How to read a diagram: [Diagrams](../README.md).`,
    ...pictures.map(({ path, title }) => `![${title}](${path.slice(page.indexOf('/') + 1)})`),
    '',
  ].join('\n\n')
}

/** @param {ReadonlyMap<string, readonly Picture[]>} pages */
function index(pages) {
  const entries = [...pages].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const areas = [...new Set(entries.map(([page]) => areaOf(page)))]
  const sections = areas.flatMap(area => [
    `## ${area}`,
    ...entries
      .filter(([page]) => areaOf(page) === area)
      .flatMap(([page, pictures]) => {
        const [first] = pictures
        const all = pictures.length === 1 ? 'its page' : `all ${pictures.length} diagrams`
        return [`### ${headingOf(page, pictures)}`, `![${first?.title}](${first?.path})`, `[${all}](${page}.md)`]
      }),
  ])
  return [GENERATED, '# Diagrams', HOW_TO_READ, ...sections, ''].join('\n\n')
}

const HOW_TO_READ = `Each diagram is drawn from a spec in \`marbles\` while it is executed, in virtual time; \`npm test\` fails when one no
longer equals its spec, and \`npm run docs:diagrams\` draws them again.

| drawn as | means |
| --- | --- |
| a line | somebody is subscribed: \`^\` from here, \`!\` until here; an arrow goes on |
| a marble | an item, by its letter or its value; pale when nobody was subscribed |
| marbles in a capsule | all in one millisecond, in this order |
| a thick bar, a cross | the end, an error |
| a coloured bar under a source | an item from its arrival until it was consumed, when its credit went back; a cross if it was let go of with an error |
| a box | the code between the sources above and the result below |
| \`//\` | time in which nothing happens is left out |

The numbers below are milliseconds.

Runs of the simulator have a lane for each process and each link, with the time in seconds:

| drawn as | means |
| --- | --- |
| a green bar | the process is up; yellow: it is stopping, or slow; red: it is not there, or nothing passes |
| bars under a process | its calls: blue ones were answered, grey ones given up by the caller, red ones with a cross failed |
| a number in a circle | how many nodes the registry shows it from now on; red while the registry is down |

Every diagram says the same in words to a screen reader.`

/** @param {string} page */
function areaOf(page) {
  return page.slice(0, page.indexOf('/'))
}

/**
 * @param {string} page
 * @param {readonly Picture[]} pictures
 */
function headingOf(page, pictures) {
  return isOfLaws(page) ? `Laws of ${areaOf(page)}` : symbolsOf(pictures).join(', ')
}

/**
 * What specs are about.
 *
 * @param {readonly Picture[]} pictures
 */
function symbolsOf(pictures) {
  return [...new Set(pictures.flatMap(({ tests }) => tests.map(({ ancestorTitles }) => ancestorTitles[0] ?? '')))]
}

/**
 * @param {string} page
 * @param {readonly string[]} titles
 */
function fileName(page, titles) {
  const own = page.slice(page.lastIndexOf('/') + 1).replaceAll('-', '')
  const slugs = titles.map(slugOf).filter((slug, at) => at > 0 || slug.replaceAll('-', '') !== own)
  return slugs.join('-') || own
}

/** @param {string} title */
function slugOf(title) {
  return title
    .toLowerCase()
    .replace(/['’]/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
}

/** @param {string} folder */
function specsBelow(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).flatMap(name => pageOf(name) ?? [])
}

/**
 * The path of the page of a file below `marbles`, without `.md`.
 *
 * @param {string} name
 */
function pageOf(name) {
  return name.startsWith('..') || !name.endsWith('.spec.ts')
    ? undefined
    : name.slice(0, -'.spec.ts'.length).replaceAll(sep, '/')
}
