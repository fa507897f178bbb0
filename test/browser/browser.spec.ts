import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { globalRead } from '../support/architecture/global-rules.js'
import { walk } from '../support/architecture/source-file.js'
import { eventually } from '../support/deadline.js'
import { bundleForBrowser, type Bundle } from './bundle.js'
import { findChromium, openPage } from './chromium.js'
import { TAKEN, WINDOW } from './contract.js'
import { PageServer } from './page-server.js'

/** Time for a browser to start and for all calls of the page. */
const PATIENCE_MS = 15_000
const chromium = findChromium()
let bundle: Bundle

beforeAll(async () => {
  bundle = await bundleForBrowser('test/browser/page.ts')
})

describe('millrace in a bundle for browsers', () => {
  it('imports neither Node nor ws', () => {
    expect(bundle.missing).toEqual([])
    expect(bundle.files.filter(file => /node_modules\/ws\/|transport\/(tcp|net-)/.test(file))).toEqual([])
    expect(bundle.files).toContain('dist/transport/websocket/browser-websocket.js')
  })

  it('uses no Buffer without asking whether there is one', () => {
    expect(bundle.files.filter(usesBufferUnasked)).toEqual([])
  })
})

describe.skipIf(chromium === undefined)(`millrace in ${chromium ?? 'Chromium, which is not on the PATH'}`, () => {
  let server: PageServer
  let closePage: () => Promise<void> = async () => {}
  let deadline = 0
  const patienceMs = (): number => Math.max(deadline - performance.now(), 1)

  beforeAll(async () => {
    server = new PageServer(bundle.text)
    await server.start()
    deadline = performance.now() + PATIENCE_MS
    closePage = openPage(chromium ?? '', server.url)
  })

  afterAll(async () => {
    await closePage()
    server.stop()
  })

  it('has none of the globals of Node', async () => {
    expect(await server.outcomeOf('platform', patienceMs())).toEqual([])
  })

  it.each([
    ['unary', 42],
    ['tell', []],
    ['serverStream', Array.from({ length: 100 }, (_, index) => index + 1)],
    ['clientStream', 15],
    ['duplex', [1, 4, 9, 16, 25]],
    ['bytes', true],
    ['error', ['ABORTED', 'asked_for', 'a page asked for it']],
  ])('%s', async (name, expected) => {
    expect(await server.outcomeOf(name, patienceMs())).toEqual(expected)
  })

  it('tell arrives', async () => {
    await eventually(() => server.notes.length > 0, patienceMs(), 'the note')

    expect(server.notes).toEqual(['from a page'])
  })

  it('backpressure holds the producer of a slow page', async () => {
    const taken = await server.outcomeOf('backpressure', patienceMs())
    await eventually(() => server.tornDown, patienceMs(), 'the end of the producer')

    expect(taken).toEqual(Array.from({ length: TAKEN }, (_, index) => index))
    expect(server.produced).toBeGreaterThanOrEqual(WINDOW)
    expect(server.produced).toBeLessThanOrEqual(TAKEN + WINDOW)
  })
})

/** Whether a file reads `Buffer` and asks nowhere by `typeof` whether it is there. */
function usesBufferUnasked(path: string): boolean {
  const source = readFileSync(path, 'utf8')
  if (!source.includes('Buffer')) return false
  let used = false
  let asked = false
  walk({ path, source }, (node, parents) => {
    if (globalRead(node, parents)?.name !== 'Buffer') return
    const [parent] = parents
    if (parent?.type === 'UnaryExpression' && parent.operator === 'typeof') asked = true
    else used = true
  })
  return used && !asked
}
