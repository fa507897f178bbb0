import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fixtures } from './support/architecture/fixtures.js'
import { everywhereRules, sourceRules } from './support/architecture/rules.js'
import type { Rule, SourceFile } from './support/architecture/source-file.js'

const source = filesBelow('src')
const everything = ['src', 'test', 'marbles', 'bench', 'examples'].flatMap(filesBelow)

describe('src', () => {
  it('is not empty', () => {
    expect(source.length).toBeGreaterThan(20)
  })

  it.each(byTitle(sourceRules))('%s', (_, rule) => {
    expect(report(rule, source)).toEqual([])
  })
})

describe('repository', () => {
  it.each(byTitle(everywhereRules))('%s', (_, rule) => {
    expect(report(rule, everything)).toEqual([])
  })
})

describe('violating fixture', () => {
  it.each(byTitle([...new Set([...sourceRules, ...everywhereRules])]))('exists: %s', (_, rule) => {
    expect(fixtures.filter(fixture => fixture.rule === rule)).not.toEqual([])
  })

  it.each(fixtures.map(fixture => [fixture.rule.title, fixture] as const))('is reported: %s', (_, { rule, files }) => {
    const sources = Object.entries(files).map(([path, text]) => ({ path, source: text.replace(/^\n/, '') }))

    const reported = rule.check(sources).map(({ path, line }) => `${path}:${line}`)

    expect([...new Set(reported)].toSorted()).toEqual(sources.flatMap(marked).toSorted())
  })
})

function byTitle(rules: readonly Rule[]): (readonly [string, Rule])[] {
  return rules.map(rule => [rule.title, rule] as const)
}

function marked({ path, source: text }: SourceFile): readonly string[] {
  return text.split('\n').flatMap((line, index) => (line.endsWith('// ✗') ? [`${path}:${index + 1}`] : []))
}

function report(rule: Rule, files: readonly SourceFile[]): readonly string[] {
  return rule.check(files).map(({ path, line, message }) => `${path}:${line} ${message}`)
}

function filesBelow(folder: string): readonly SourceFile[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => join(folder, name))
    .toSorted()
    .map(path => ({ path, source: readFileSync(path, 'utf8') }))
}
