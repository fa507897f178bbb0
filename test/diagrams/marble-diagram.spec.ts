import { describe, expect, it } from 'vitest'
import {
  describeMarbles,
  drawMarbles,
  type Lane,
  type Marble,
  type MarbleDiagram,
} from '../../scripts/diagrams/marble-diagram.mjs'
import { picture } from '../../scripts/diagrams/svg.mjs'

const next = (at: number, letter: string): Marble => ({ at, kind: 'next', letter, label: letter })
const end = (at: number): Marble => ({ at, kind: 'complete', letter: '|', label: '|' })

function lane(marbles: readonly Marble[], to: number | undefined = marbles.at(-1)?.at): Lane {
  return { kind: 'lane', name: 'source', marbles, windows: [{ from: 0, to }] }
}

function svgOf(diagram: MarbleDiagram): string {
  return picture({ title: 'a title', words: describeMarbles(diagram), drawings: [drawMarbles(diagram)] })
}

/** Where marbles are, from left to right, px. */
function centres(...rows: Lane[]): readonly number[] {
  const drawn = drawMarbles({ rows, legend: [] }).elements.join('')
  return [...drawn.matchAll(/<circle cx="([\d.]+)"/g)].map(([, x]) => Number(x))
}

describe('drawMarbles', () => {
  it('draws lanes on one axis', () => {
    const [a, b, c, d] = centres(lane([next(0, 'a'), next(4, 'b')]), lane([next(2, 'c'), next(4, 'd')]))

    expect([a, c]).toEqual([0, ((b ?? 0) + (a ?? 0)) / 2])
    expect(d).toBe(b)
  })

  it('draws marbles of one millisecond beside each other', () => {
    const [a = 0, b = 0, c = 0, d = 0] = centres(lane([next(0, 'a'), next(0, 'b'), next(0, 'c'), next(1, 'd')]))

    expect(Math.min(b - a, c - b, d - c)).toBeGreaterThan(20)
  })

  it('keeps marbles apart', () => {
    const xs = centres(lane(Array.from({ length: 100 }, (_, at) => next(at, 'a'))))

    expect(Math.min(...xs.slice(1).map((x, index) => x - (xs[index] ?? 0)))).toBeGreaterThan(20)
  })

  it('leaves out long times without anything', () => {
    expect(drawMarbles({ rows: [lane([next(0, 'a'), next(3_600_000, 'b')])], legend: [] }).width).toBeLessThan(500)
  })

  it('gives a letter one colour in all lanes', () => {
    const { elements } = drawMarbles({ rows: [lane([next(0, 'a'), next(1, 'b')]), lane([next(2, 'b')])], legend: [] })

    expect([...elements.join('').matchAll(/marble (c\d)/g)].map(([, colour]) => colour)).toEqual(['c0', 'c1', 'c1'])
  })
})

describe('describeMarbles', () => {
  it('says everything in words', () => {
    const words = describeMarbles({
      rows: [
        lane([next(0, 'a'), end(1_000)]),
        { kind: 'held', name: 'consumed', items: [{ letter: 'a', from: 0, to: 3, failed: true }] },
        { kind: 'operator', code: 'source.pipe(share())' },
        { ...lane([{ at: 5, kind: 'error', letter: '#', label: '#' }]), name: 'result', windows: [] },
      ],
      legend: [{ letter: 'a', value: '{ id: 7 }' }],
    })

    expect(words).toBe(
      'source, subscribed from 0 ms to 1\u2009000 ms: a at 0 ms, end at 1\u2009000 ms. ' +
        'consumed: a let go of with an error at 3 ms. Then source.pipe(share()). ' +
        'result, never subscribed: error at 5 ms. a is { id: 7 }.',
    )
  })
})

describe('picture', () => {
  it('is an image with a title and a description', () => {
    const svg = svgOf({ rows: [lane([next(0, 'a')])], legend: [] })

    expect(svg).toContain('role="img" aria-labelledby="title desc"')
    expect(svg).toContain('<title id="title">a title</title>')
    expect(svg).toContain('<desc id="desc">source, subscribed from 0 ms to 0 ms: a at 0 ms.</desc>')
  })

  it('has colours for light and for dark', () => {
    expect(svgOf({ rows: [], legend: [] })).toMatch(
      /svg\{--ground:#ffffff.*\n@media \(prefers-color-scheme:dark\)\{svg\{--/,
    )
  })

  it('escapes what XML would read', () => {
    const svg = svgOf({ rows: [{ kind: 'operator', code: 'a<b> & "c"\u0000' }], legend: [] })

    expect(svg).toContain('>a&lt;b&gt; &amp; &quot;c&quot;�<')
  })

  it('refers to nothing outside', () => {
    const svg = svgOf({ rows: [lane([next(0, 'a')])], legend: [] }).replace('xmlns="http://www.w3.org/2000/svg"', '')

    expect(svg).not.toMatch(/https?:|url\(|@import|href/)
  })
})
