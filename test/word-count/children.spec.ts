import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type * as Children from '../../examples/word-count/children.js'

// The compiled module, for the programs that it starts are beside it.
const compiled = pathToFileURL(resolve('.cache/word-count/children.js')).href
const { startChildren } = (await import(/* @vite-ignore */ compiled)) as typeof Children

afterEach(() => {
  vi.useRealTimers()
})

describe('startChildren', () => {
  it('fails when a process does not answer', async () => {
    const children = startChildren(['counter'], 'silent')
    onTestFinished(() => children.stop())
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })

    const growth = children.growthMb('counter')
    vi.advanceTimersByTime(5000)

    await expect(growth).rejects.toThrow('the counter has not answered within 5000 ms')
  })
})
