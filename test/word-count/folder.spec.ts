import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { UsageError } from '../../examples/word-count/arguments.js'
import { openFolder } from '../../examples/word-count/folder.js'
import { tempFolder } from './temp-folder.js'

describe('openFolder', () => {
  it('counts the files that there are', async () => {
    const folder = tempFolder({ 'a.md': '', 'b/c.md': '', 'b/d': '' })

    expect(await openFolder(folder, '.md')).toEqual({ path: Buffer.from(folder), ending: '.md', files: 2 })
  })

  it.each([
    ['that is absent', 'nowhere', /^FOLDER cannot be opened: ENOENT/],
    ['that is a file', 'file', /^FOLDER is not a folder/],
    ['without files', 'empty', /^FOLDER is empty: there is no regular file below/],
  ])('refuses a folder %s', async (_what, name, message) => {
    const folder = tempFolder({ file: '' })
    mkdirSync(join(folder, 'empty', 'inner'), { recursive: true })
    symlinkSync('..', join(folder, 'empty', 'inner', 'link'))

    const opening = openFolder(join(folder, name), '')

    await expect(opening).rejects.toThrow(UsageError)
    await expect(opening).rejects.toThrow(message)
  })

  it('refuses a folder without a file that ends so', async () => {
    await expect(openFolder(tempFolder({ file: '' }), '.md')).rejects.toThrow(/there is no \.md file/)
  })
})
