import { consoleLog } from 'millrace/core'
import { afterEach, describe, expect, it, vi } from 'vitest'

describe('consoleLog', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it('writes warnings and errors, each with its name', () => {
    const lines = written()

    for (const level of ['debug', 'info', 'warn', 'error'] as const) consoleLog({ level, event: 'a.b', message: 'c' })

    expect(lines).toEqual(['millrace warn a.b · c', 'millrace error a.b · c'])
  })

  it('keeps what a peer has written on one line', () => {
    const lines = written()

    consoleLog({ level: 'warn', event: 'a', message: 'b\r\nmillrace error\u001b[2J\u0085\u2028é' })

    expect(lines).toEqual(['millrace warn a · b\\u000d\\u000amillrace error\\u001b[2J\\u0085\\u2028é'])
  })

  it('prints the stack of an error, indented', () => {
    const lines = written()

    consoleLog({ level: 'error', event: 'a', message: 'b', fields: { error: new TypeError('c\nmillrace error d') } })

    const [first, ...stack] = String(lines[0]).split('\n')
    expect(first).toBe('millrace error a · b')
    expect(stack[0]).toBe('    TypeError: c')
    expect(stack.length).toBeGreaterThan(2)
    expect(stack.every(line => line.startsWith('    '))).toBe(true)
  })
})

/** What goes to the console from now on. */
function written(): readonly unknown[] {
  const lines: unknown[] = []
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    vi.spyOn(console, level).mockImplementation(line => lines.push(line))
  }
  return lines
}
