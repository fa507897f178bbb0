import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { laneNames, type LaneName } from '../../scripts/diagrams/lane-name.mjs'

let root: string

beforeEach(() => void (root = mkdtempSync(join(tmpdir(), 'millrace-names-'))))
afterEach(() => rmSync(root, { recursive: true }))

/** The name of the first stream that is written in `spec` with `member` of the kit. */
function nameIn(spec: string, member: string): LaneName {
  writeFileSync(join(root, 'a.spec.ts'), spec)
  const before = spec.slice(0, spec.indexOf(`${member}(`)).split('\n')
  const site = ['a.spec.ts', before.length, (before.at(-1)?.length ?? 0) + 1] as const
  return laneNames(root)(site, member !== 'expectObservable')
}

describe('laneNames', () => {
  it.each([
    ['the variable', "const words = deliveries('ab|')", 'words'],
    ['the variable of a list', "const inner = [kit.deliveries('--|'), NEVER]", 'inner'],
    ['the field', "const lanes = { words: deliveries('ab|') }", 'words'],
    ['the diagram', 'const next$ = deliveries(calls, CALLS).pipe(share())', 'calls'],
    ['the helper', 'const kit = { publish: (diagram: string) => deliveries(diagram).pipe(share()) }', 'publish'],
    ['what it is', "check(deliveries('ab|'))", 'source'],
    ['what an operator makes', "const paced = pacedMap(() => deliveries('--|'))", 'inner'],
  ])('calls a source as %s', (_, spec, name) => {
    expect(nameIn(spec, 'deliveries')).toEqual({ name, code: undefined })
  })

  it.each([
    ['const words = a.pipe(\n  share(),\n)\nexpectObservable(words)', 'words', 'a.pipe(share())'],
    ["expectObservable(hot('a|').pipe(share()))", 'result', 'source.pipe(share())'],
    ['expectObservable(events(manual).pipe(ack))', 'events(manual)', 'events(manual).pipe(ack)'],
    ['expectObservable(pictures(watch$))', 'pictures(watch$)', undefined],
    ["expectObservable(publish('-a|'))", 'publish', undefined],
    ['const a = new Observable(() => {\n  return () => {}\n})\nexpectObservable(a)', 'a', undefined],
    ['expectObservable(a.pipe(tap(x => { see(x) })))', 'result', 'a.pipe(tap(x\u00a0=> {\u00a0…\u00a0}))'],
  ])('tells what lies behind %s', (spec, name, code) => {
    expect(nameIn(spec, 'expectObservable')).toEqual({ name, code })
  })
})
