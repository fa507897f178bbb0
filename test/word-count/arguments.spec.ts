import { describe, expect, it } from 'vitest'
import { readArguments, UsageError } from '../../examples/word-count/arguments.js'

describe('readArguments', () => {
  it('counts markdown under node_modules by default', () => {
    const read = readArguments([])

    expect(read).toMatchObject({ ending: '.md', tokenizers: 2, json: false })
    expect(read?.folder).toBe(`${process.cwd()}/node_modules`)
  })

  it('counts every file of a folder that is named', () => {
    expect(readArguments(['docs', '--tokenizers', '3', '--json'])).toEqual({
      folder: 'docs',
      ending: '',
      tokenizers: 3,
      json: true,
    })
  })

  it.each([['0'], ['-1'], ['1.5'], ['two'], [''], ['65']])('refuses %j tokenizers', tokenizers => {
    expect(() => readArguments([`--tokenizers=${tokenizers}`])).toThrow(UsageError)
  })

  it.each([[['--fast']], [['one', 'two']], [['']]])('refuses %j', argv => {
    expect(() => readArguments(argv)).toThrow(UsageError)
  })

  it('gives nothing when help is asked for', () => {
    expect(readArguments(['--help'])).toBeUndefined()
  })
})
