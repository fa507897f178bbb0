import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { galleryFaults, writeGallery } from '../../scripts/diagrams/gallery-files.mjs'
import { galleryOf, type Report } from '../../scripts/diagrams/gallery.mjs'

const SPEC = 'marbles/streams/paced-map.spec.ts'
const PICTURE = 'docs/diagrams/streams/paced-map/consumes-at-the-end.svg'
const PAGE = 'docs/diagrams/streams/paced-map.md'
const INDEX = 'docs/diagrams/README.md'

let root: string

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'millrace-gallery-'))
  write('.oxfmtrc.json', '{}')
  write(SPEC, 'const source = cold()\n')
  await draw(ran(test('consumes at the end')))
})

afterEach(() => rmSync(root, { recursive: true }))

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

type Test = Report['testResults'][number]['assertionResults'][number]

/** A spec whose source emits `a` at `frame`. */
function test(title: string, { status = 'passed', frame = 0, describing = 'pacedMap' } = {}): Test {
  const marbles = [{ frame, kind: 'next' as const, letter: 'a' }]
  const windows = [{ subscribedFrame: 0, unsubscribedFrame: null }]
  const streams = [{ kind: 'cold', lanes: [{ marbles, windows }], values: {}, site: [SPEC, 1, 16] as const }]
  return { ancestorTitles: [describing], title, status, meta: { executed: [{ streams }] } }
}

/** A run of one file of specs. */
function ran(...tests: readonly Test[]): Report {
  return { testResults: [{ name: join(root, SPEC), assertionResults: tests }] }
}

async function draw(report: Report): Promise<void> {
  writeGallery(join(root, 'docs/diagrams'), await galleryOf(root, report))
}

/** What is wrong with the diagrams after a run, paths as they are in the project. */
async function faults(report: Report): Promise<readonly string[]> {
  const found = galleryFaults(join(root, 'docs/diagrams'), await galleryOf(root, report))
  return found.map(fault => fault.replace(`${root}/`, ''))
}

describe('writeGallery', () => {
  it('has a picture, a page and an index', () => {
    const [picture, page, index] = [PICTURE, PAGE, INDEX].map(path => readFileSync(join(root, path), 'utf8'))

    expect(picture).toContain('<title id="title">pacedMap consumes at the end</title>')
    expect(page).toContain('![pacedMap consumes at the end](paced-map/consumes-at-the-end.svg)')
    expect(index).toContain('(streams/paced-map.md)')
  })

  it('removes what has no spec any more', async () => {
    write('docs/diagrams/streams/gone.md', 'gone')
    await draw(ran(test('is new')))

    expect(await faults(ran(test('is new')))).toEqual([])
  })
})

describe('galleryFaults', () => {
  it('has none when specs do what is drawn', async () => {
    expect(await faults(ran(test('consumes at the end')))).toEqual([])
  })

  it('names a spec that does something else', async () => {
    expect(await faults(ran(test('consumes at the end', { frame: 3 })))).toEqual([
      `${PICTURE} is out of date, see ${SPEC}`,
    ])
  })

  it('names a diagram that was changed', async () => {
    write(PICTURE, readFileSync(join(root, PICTURE), 'utf8').replace('>a<', '>b<'))

    expect(await faults(ran(test('consumes at the end')))).toEqual([`${PICTURE} is out of date, see ${SPEC}`])
  })

  it('names a spec that is not drawn', async () => {
    expect(await faults(ran(test('consumes at the end'), test('is new')))).toEqual([
      `docs/diagrams/streams/paced-map/is-new.svg is missing, see ${SPEC}`,
      `${PAGE} is out of date, see ${SPEC}`,
      `${INDEX} is out of date`,
    ])
  })

  it('names a diagram whose spec is gone', async () => {
    await draw(ran(test('consumes at the end'), test('is old')))

    expect(await faults(ran(test('consumes at the end')))).toContain(
      'docs/diagrams/streams/paced-map/is-old.svg has no spec any more',
    )
  })

  it('names the diagrams of a file that is gone', async () => {
    rmSync(join(root, SPEC))

    expect(await faults({ testResults: [] })).toEqual([
      `${INDEX} is out of date`,
      `${PAGE} has no spec any more`,
      `${PICTURE} has no spec any more`,
    ])
  })

  it('says nothing of specs that did not run', async () => {
    const skipped = test('consumes at the end', { status: 'skipped', frame: 3 })

    expect(await faults(ran(skipped))).toEqual([])
  })

  it('says nothing of files that did not run', async () => {
    expect(await faults({ testResults: [] })).toEqual([])
  })

  it('says nothing of specs that fail', async () => {
    expect(await faults(ran(test('consumes at the end', { status: 'failed', frame: 3 })))).toEqual([])
  })
})

describe('galleryOf', () => {
  it('puts the symbol first where it is another', async () => {
    const { files } = await galleryOf(root, ran(test('ends'), test('ends', { describing: 'pacedMap of one' })))

    expect([...files.keys()]).toContain('streams/paced-map/pacedmap-of-one-ends.svg')
  })

  it('refuses two specs of one title', async () => {
    await expect(galleryOf(root, ran(test('ends'), test('ends!')))).rejects.toThrow('streams/paced-map/ends.svg')
  })
})
