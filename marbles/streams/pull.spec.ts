import { pull } from 'millrace/streams'
import { marbles } from 'millrace/testing'
import { tap } from 'rxjs'
import { describe, expect, it } from 'vitest'

interface Lanes {
  /** `n`: the loop asks for the next item. `r`: it is left. */
  readonly asks: string
  readonly source: string
  readonly subscribed: string | readonly string[]
  readonly credits: string
  /** What the loop got, in order: `|` the end, `#` an error. It comes as promises, which have no virtual time. */
  readonly got: string
}

async function check({ asks, source, subscribed, credits, got }: Lanes): Promise<void> {
  const answers: Promise<string>[] = []

  marbles(({ cold, deliveries, expectObservable, expectSubscriptions, expectCredits }) => {
    const letter$ = deliveries(source)
    const iterator = pull(letter$)[Symbol.asyncIterator]()
    const inLoop = tap((ask: string) => {
      if (ask === 'n') answers.push(iterator.next().then(({ value, done }) => (done === true ? '|' : value)))
      else void iterator.return?.()
    })
    const ask$ = cold(asks)

    expectObservable(ask$.pipe(inLoop)).toBe(asks)
    expectSubscriptions(letter$).toBe(subscribed)
    expectCredits(letter$).toBe(credits)
  })

  expect((await Promise.all(answers.map(answer => answer.catch(() => '#')))).join('')).toBe(got)
}

describe('pull', () => {
  it('consumes an item when the loop asks for the next', async () => {
    await check({
      asks: '      n--n--n-|',
      source: '    -abc----|',
      subscribed: '^-------!',
      credits: '   ---a--b',
      got: 'abc',
    })
  })

  it('subscribes when the loop asks for the first', async () => {
    await check({
      asks: '      ---n--n|',
      source: '       -a---|',
      subscribed: '---^----!',
      credits: '   ------a',
      got: 'a|',
    })
  })

  it('consumes at once what was asked ahead of', async () => {
    await check({
      asks: '      (nnn)---n|',
      source: '    ---ab--c--|',
      subscribed: '^---------!',
      credits: '   ---ab---c',
      got: 'abc|',
    })
  })

  it('subscribes nothing when the loop never asks', async () => {
    await check({
      asks: '      --r--n|',
      source: '    ab|',
      subscribed: [],
      credits: '',
      got: '|',
    })
  })

  it('ends for everyone who asks after the end', async () => {
    await check({
      asks: '      (nn)-n-n|',
      source: '    -a|',
      subscribed: '^-!',
      credits: '   -a',
      got: 'a|||',
    })
  })

  it('throws an error after the items before it, once', async () => {
    await check({
      asks: '      n----n-n-n-n|',
      source: '    -ab#',
      subscribed: '^--!',
      credits: '   -----a-b',
      got: 'ab#||',
    })
  })

  it('naks what it has when the loop is left', async () => {
    await check({
      asks: '      n----r--n|',
      source: '    -abc-----|',
      subscribed: '^----!',
      credits: '   -----(ABC)',
      got: 'a|',
    })
  })

  it('ends who waits when the loop is left', async () => {
    await check({
      asks: '      (nn)-r--|',
      source: '    -------a|',
      subscribed: '^----!',
      credits: '',
      got: '||',
    })
  })

  it('keeps what waits when the source completes', async () => {
    await check({
      asks: '      n----n--n-|',
      source: '    ab|',
      subscribed: '^-!',
      credits: '   -----a--b',
      got: 'ab|',
    })
  })
})
