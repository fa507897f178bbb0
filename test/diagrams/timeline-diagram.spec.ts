import { describe, expect, it } from 'vitest'
import {
  describeTimeline,
  drawTimeline,
  type Bar,
  type TimelineDiagram,
  type TimelineLane,
} from '../../scripts/diagrams/timeline-diagram.mjs'

const call = (from: number, to: number | undefined, end: Bar['end'] = 'completed'): Bar => {
  return { from, to, end, label: 'words.count' }
}

function run(...lanes: readonly Partial<TimelineLane>[]): TimelineDiagram {
  return { durationMs: 10_000, lanes: lanes.map(lane => ({ name: 'web', spans: [], moments: [], bars: [], ...lane })) }
}

/** Places of what has the class. */
function places(diagram: TimelineDiagram, name: string): readonly (readonly [x: number, y: number, width: number])[] {
  const drawn = drawTimeline(diagram).elements.join('\n')
  const rectangles = [...drawn.matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"[^>]* class="([^"]*)"/g)]
  return rectangles
    .filter(([, , , , classes = '']) => classes.split(' ').includes(name))
    .map(([, x, y, width]) => [Number(x), Number(y), Number(width)])
}

describe('drawTimeline', () => {
  it('draws states as long as they last', () => {
    const spans = [
      { from: 0, to: 2500, mood: 'good' as const },
      { from: 2500, to: 10_000, mood: 'bad' as const },
    ]

    const [up] = places(run({ spans }), 'up')
    const [down] = places(run({ spans }), 'down')

    expect([up?.[0], down?.[0]]).toEqual([0, up?.[2]])
    expect(down?.[2]).toBe(3 * (up?.[2] ?? 0))
  })

  it('draws calls at one time under each other', () => {
    const bars = [call(0, 1000), call(500, 1500), call(2000, 3000)]

    const [first, second, third] = places(run({ bars }), 'completed').map(([, y]) => y)

    expect(second).toBeGreaterThan(first ?? Infinity)
    expect(third).toBe(first)
  })

  it('draws a call without an end up to the end', () => {
    const [open = [0, 0, 0], whole = [0, 0, 0]] = places(
      run({ bars: [call(5000, undefined), call(0, 10_000)] }),
      'completed',
    )

    expect(open[0] + open[2]).toBe(whole[2])
  })

  it('draws the shortest call', () => {
    expect(places(run({ bars: [call(0, 0.1)] }), 'completed')).toEqual([[0, 23, 3]])
  })
})

describe('describeTimeline', () => {
  it('says everything in words', () => {
    const words = describeTimeline(
      run(
        { name: 'words', spans: [{ from: 0, to: 3000, mood: 'good', label: 'up' }] },
        {
          moments: [{ at: 200, mood: 'quiet', label: '2' }],
          bars: [call(0, 20), call(30, 40, 'failed'), call(50, 450, 'cancelled')],
        },
      ),
    )

    expect(words).toBe(
      '10\u2009000 ms of virtual time. words: up from 0 ms to 3\u2009000 ms. ' +
        'web: 2 at 200 ms, 3 calls, of which 1 failed and 1 were cancelled.',
    )
  })
})
