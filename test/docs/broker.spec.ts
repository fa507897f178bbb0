import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const folders = [
  'test/actors',
  'test/broker',
  'test/faults',
  'test/orders',
  'test/simulation',
  'test/transport',
  'marbles/broker',
  'marbles/streams',
  'src/testing/compliance/broker',
]
const tests = folders.flatMap(specsIn).join('\n')

describe('docs/broker.md', () => {
  const rules = rulesOf(readFileSync('docs/broker.md', 'utf8'))

  it('has a test for every rule', () => {
    expect(rules.filter(({ titles }) => titles.length === 0)).toEqual([])
    expect(rules.length).toBeGreaterThan(20)
  })

  it('names tests that are there', () => {
    const missing = rules.flatMap(({ titles }) => titles).filter(title => !tests.includes(`'${title}'`))

    expect(missing).toEqual([])
  })
})

/** The numbered rules, each with the titles after its last "Held by". */
function rulesOf(markdown: string): readonly { rule: string; titles: readonly string[] }[] {
  return [...markdown.matchAll(/^\d+\. (.*(?:\n {2,}.*)*)/gm)].map(([, text = '']) => {
    const [rule = '', ...held] = text.replaceAll(/\s+/g, ' ').split('Held by ')
    return { rule, titles: [...held.join(' ').matchAll(/`([^`]+)`/g)].map(([, title = '']) => title) }
  })
}

function specsIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => readFileSync(join(folder, name), 'utf8'))
}
