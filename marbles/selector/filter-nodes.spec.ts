import { filterNodes } from 'millrace/selector'
import { describe, it } from 'vitest'
import { checkFilter } from '../../test/selector/check-filter.js'

describe('filterNodes', () => {
  it('keeps the nodes that are accepted', () => {
    const notB = filterNodes('that are b', ({ id }) => id !== 'b')

    checkFilter(notB, {
      snapshots: ' s--b--c--|',
      left: '      y--n--c--|',
      subscribed: '^--------!',
    })
  })

  it('sees the service of a node', () => {
    const first = filterNodes('of later versions', (_, { version }) => version === '1.0.0')

    checkFilter(first, {
      snapshots: ' s--a--c--|',
      left: '      a--a--n--|',
      subscribed: '^--------!',
    })
  })

  it('asks anew for every snapshot', () => {
    let asked = 0
    const everySecond = filterNodes('asked for before', () => asked++ % 2 === 0)

    checkFilter(everySecond, {
      snapshots: ' a--a--a--|',
      left: '      a--n--a--|',
      subscribed: '^--------!',
    })
  })

  it('passes snapshots without nodes on', () => {
    const all = filterNodes('unheard of', () => true)

    checkFilter(all, {
      snapshots: ' n--s--n--|',
      left: '      n--s--n--|',
      subscribed: '^--------!',
    })
  })

  it('fails when the function throws', () => {
    const broken = filterNodes('that throw', ({ id }) => {
      if (id === 'b') throw new Error('no b')
      return true
    })

    checkFilter(broken, {
      snapshots: ' a--s--a--|',
      left: '      a--#',
      subscribed: '^--!',
      error: new Error('no b'),
    })
  })

  it('lets go of the snapshots when unsubscribed', () => {
    const all = filterNodes('unheard of', () => true)

    checkFilter(all, {
      snapshots: '   s--a--s',
      left: '        s--a',
      unsubscribed: '^---!',
      subscribed: '  ^---!',
    })
  })
})
