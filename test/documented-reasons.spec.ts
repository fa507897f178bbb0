import { readdirSync, readFileSync } from 'node:fs'
import type { Node } from 'oxc-parser'
import { describe, expect, it } from 'vitest'
import { walk, type SourceFile } from './support/architecture/source-file.js'

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  // Compliance checks name the reasons that they expect, and raise none.
  .filter(path => path.endsWith('.ts') && !path.startsWith('testing/compliance/'))
  .map(path => ({ path: `src/${path}`, source: readFileSync(`src/${path}`, 'utf8') }))
const errors = readFileSync('docs/errors.md', 'utf8')
const limits = readFileSync('docs/limits.md', 'utf8')
const raised = new Set(sources.flatMap(reasonsIn))
const documented = [...errors.matchAll(/^\| `([a-z_]+)`/gm)].map(([, reason = '']) => reason)

describe('docs/errors.md', () => {
  it('has every reason that an error is given', () => {
    expect([...raised].filter(reason => !documented.includes(reason))).toEqual([])
  })

  it('has no reason that no error is given', () => {
    const byCode = new Set(['deadline_exceeded', 'cancelled'])

    expect(documented.filter(reason => !raised.has(reason) && !byCode.has(reason))).toEqual([])
  })

  it('gives each a code, meaning, cause and remedy', () => {
    const rows = errors.split('\n').filter(line => line.startsWith('| `'))

    for (const row of rows) expect(row).toMatch(/^\| `[a-z_]+` *\| ([A-Z_]+|by RSocket code) *\|( *\S[^|]*\|){3}$/)
  })

  it('tells equal reasons apart by their codes', () => {
    const rows = [...errors.matchAll(/^\| (`[a-z_]+`) *\| (\S+)/gm)].map(([, reason, code]) => `${reason} ${code}`)
    const once = rows.filter(row => row !== '`queue_full` RESOURCE_EXHAUSTED') // of a socket, and of a broker

    expect(once).toHaveLength(new Set(once).size)
  })
})

describe('docs/limits.md', () => {
  it('names reasons that are documented', () => {
    const named = [...limits.matchAll(/`([a-z]+_[a-z_]+)`/g)].map(([, reason = '']) => reason)

    expect(named.filter(reason => !documented.includes(reason))).toEqual([])
  })

  it('has the defaults that the options have', () => {
    const all = sources.map(({ source }) => source).join()
    const told = [...limits.matchAll(/`(\w+)`[^|(`]*\(([\d ]+)/g)].map(([, name = '', value = '']) => [name, value])

    const others = told.filter(([name, value = '']) => {
      const defaults = [...all.matchAll(new RegExp(`@default ([\\d_]+)[^@]*?readonly ${name}\\??:`, 'g'))]
      return !defaults.some(([, known = '']) => Number(known.replaceAll('_', '')) === Number(value.replaceAll(' ', '')))
    })

    expect(told.length).toBeGreaterThan(20)
    expect(others).toEqual([])
  })

  it('names options that exist', () => {
    const options = [...limits.matchAll(/`([a-z]+[A-Z][A-Za-z]+)`/g)].map(([, option = '']) => option)
    const all = sources.map(({ source }) => source).join()

    expect(
      options.filter(option => !all.includes(`readonly ${option}?:`) && !all.includes(`readonly ${option}:`)),
    ).toEqual([])
  })
})

/** Texts that are given as `reason`: to an error, or to a function that hands them on. */
function reasonsIn(file: SourceFile): readonly string[] {
  const handingOn = new Map<string, number>()
  walk(file, (node, [parent]) => {
    if (!('params' in node) || !Array.isArray(node.params)) return
    const index = node.params.findIndex(parameter => (parameter as { readonly name?: string }).name === 'reason')
    const name = nameOf(node) ?? nameOf(parent)
    if (index >= 0 && name !== undefined) handingOn.set(name, index)
  })
  const reasons: string[] = []
  walk(file, node => {
    if (node.type === 'Property' && nameOf(node) === 'reason') reasons.push(...textsIn(node.value))
    if (node.type === 'VariableDeclarator' && node.init && nameOf(node) === 'reason')
      reasons.push(...textsIn(node.init))
    if (node.type !== 'CallExpression') return
    const called = node.callee.type === 'MemberExpression' ? node.callee.property : node.callee
    const index = handingOn.get((called as { readonly name?: string }).name ?? '')
    const given = index === undefined ? undefined : node.arguments[index]
    if (given !== undefined) reasons.push(...textsIn(given))
  })
  return reasons
}

function nameOf(node: Node | undefined): string | undefined {
  const { id, key } = (node ?? {}) as { readonly id?: { name?: string } | null; readonly key?: { name?: string } }
  return id?.name ?? key?.name
}

/** A text, or the texts that an expression chooses from. */
function textsIn(node: Node): readonly string[] {
  if (node.type === 'Literal') return typeof node.value === 'string' ? [node.value] : []
  if (node.type === 'ConditionalExpression') return [...textsIn(node.consequent), ...textsIn(node.alternate)]
  if (node.type === 'TemplateLiteral') throw new Error(`a reason that is put together: ${JSON.stringify(node)}`)
  return []
}
