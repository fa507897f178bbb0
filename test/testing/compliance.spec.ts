import { bytes } from 'millrace/codec'
import { memoryRegistry } from 'millrace/registry'
import { roundRobin } from 'millrace/selector'
import {
  registryChecks,
  runCheck,
  testCodec,
  testRegistry,
  testSelector,
  type Check,
  type TestRunner,
} from 'millrace/testing/compliance'
import { describe, expect, it } from 'vitest'

/** A runner that writes down what it is given. */
function recorder() {
  const suites: string[] = []
  const tests = new Map<string, () => Promise<void>>()
  const skipped: string[] = []
  const runner: TestRunner = {
    describe: (name, body) => {
      suites.push(name)
      body()
    },
    it: Object.assign((title: string, run: () => Promise<void>) => tests.set(title, run), {
      skip: (title: string) => skipped.push(title),
    }),
  }
  return { suites, tests, skipped, runner }
}

describe('testRegistry', () => {
  it('registers each check as a test', () => {
    const { suites, tests, runner } = recorder()

    testRegistry(runner, { name: 'mine', setup: setupOf })

    expect(suites).toEqual(['mine as a Registry'])
    expect([...tests.keys()]).toEqual(registryChecks.map(({ title }) => title))
  })

  it('shows what a registry lacks as skipped', () => {
    const { tests, skipped, runner } = recorder()

    testRegistry(runner, { name: 'mine', setup: setupOf, lacks: ['outages'] })

    expect(skipped).toContain('keeps what it has while down, and says stale (lacks outages)')
    expect(tests.size + skipped.length).toBe(registryChecks.length)
  })

  it('sets each test up anew', async () => {
    const { tests, runner } = recorder()
    let made = 0
    testRegistry(runner, { name: 'mine', setup: async () => (made++, setupOf()), lacks: ['outages'] })

    const before = made
    await tests.get('gets nothing for an unknown name')?.()
    await tests.get('gets one entry for each version')?.()

    expect([before, made]).toEqual([0, 2])
  })

  it('says that outages need a switch', async () => {
    const { tests, runner } = recorder()
    testRegistry(runner, { name: 'mine', setup: setupOf })

    const run = tests.get('shows nothing known as stale, confirmed never')?.()

    await expect(run).rejects.toThrow('give one, or say that the registry lacks outages')
  })
})

describe('testCodec', () => {
  it('skips structures where no object is kept', () => {
    const { skipped, tests, runner } = recorder()

    testCodec(runner, { name: 'bytes', codec: bytes, keeps: ['Uint8Array', 'Buffer'] })

    expect(skipped).toContain('accepts maxDepth and refuses one more (lacks structures)')
    expect([...tests.keys()]).toEqual(expect.arrayContaining(['keeps: Uint8Array', 'refuses: object']))
  })
})

describe('testSelector', () => {
  it('needs nothing but a selector', async () => {
    const { tests, runner } = recorder()
    testSelector(runner, { name: 'roundRobin', selector: roundRobin })

    const runs = [...tests.values()].map(run => run())

    await expect(Promise.all(runs)).resolves.toHaveLength(tests.size)
  })
})

describe('runCheck', () => {
  it.each([
    ['passes', async () => {}],
    ['fails', async () => expect.fail('on purpose')],
  ])('closes the setup of a check that %s', async (_, run) => {
    const check: Check<object> = { title: 'any', run }
    let closed = 0

    await runCheck(check, { close: () => void closed++ }).catch(() => {})

    expect(closed).toBe(1)
  })
})

function setupOf() {
  const registry = memoryRegistry()
  return { here: registry, there: registry, openResources: () => 0 }
}
