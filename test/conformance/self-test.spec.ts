import { tcp } from 'millrace/transport/tcp'
import { describe, expect, it } from 'vitest'
import { flawed, flaws } from './flaws.js'
import type { Point } from './point.js'
import { points } from './points.js'
import { SocketRig } from './socket-rig.js'
import { run } from './test-points.js'

const LAST_POINT = 88
const MAX_WORDS = 10

describe('points', () => {
  it('are numbered from 1 to 88', () => {
    expect(points.map(({ number }) => number)).toEqual(Array.from({ length: LAST_POINT }, (_, index) => 1 + index))
  })

  it('have short titles of their own', () => {
    const titles = points.map(({ title }) => title)

    expect(new Set(titles).size).toBe(LAST_POINT)
    expect(titles.filter(title => title.split(' ').length > MAX_WORDS)).toEqual([])
  })

  it('apply to some network each, all but five to all', () => {
    const limited = points.filter(({ notOver }) => notOver !== undefined)

    expect(limited.length).toBeLessThanOrEqual(5)
    for (const { notOver = {} } of limited) expect(Object.keys(notOver).length).toBeLessThan(3)
  })
})

describe('a server that is broken', () => {
  it.each(Object.entries(flaws).map(([name, [flaw, number]]) => ({ name, flaw, number })))(
    'fails point $number when it $name',
    async ({ flaw, number }) => {
      const point = points.find(each => each.number === number) as Point

      const outcome = run(point, 'tcp', (options, network) => {
        return new SocketRig({ transport: tcp, wrap: transport => flawed(transport, flaw) }, options, network)
      })

      await expect(outcome).rejects.toMatchObject({ name: 'AssertionError' })
    },
  )
})
