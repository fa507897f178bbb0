import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { filesBelow, type FilesOptions } from '../../examples/word-count/files.js'
import { tempFolder } from './temp-folder.js'

async function namesBelow(folder: string, options?: FilesOptions): Promise<string[]> {
  const names: string[] = []
  for await (const path of filesBelow(Buffer.from(folder), options))
    names.push(path.toString().slice(folder.length + 1))
  return names
}

describe('filesBelow', () => {
  it('gives every regular file, hidden ones too, in order', async () => {
    const folder = tempFolder({ 'b/2': '', 'b/1': '', '.hidden/.file': '', 'a b\nc': '', ünï: '', Z: '' })

    expect(await namesBelow(folder)).toEqual(['.hidden/.file', 'Z', 'a b\nc', 'b/1', 'b/2', 'ünï'])
  })

  it('follows no links', async () => {
    const folder = tempFolder({ 'inner/file': '' })
    symlinkSync(folder, join(folder, 'inner', 'loop'))
    symlinkSync('file', join(folder, 'inner', 'link'))
    symlinkSync('nowhere', join(folder, 'dangling'))

    expect(await namesBelow(folder)).toEqual(['inner/file'])
  })

  it('keeps names that are not UTF-8', async () => {
    const folder = tempFolder()
    const path = Buffer.concat([Buffer.from(folder), Buffer.from([0x2f, 0xff, 0xfe])])
    writeFileSync(path, '')

    expect((await filesBelow(Buffer.from(folder)).next()).value).toEqual(path)
  })

  it('gives only files with the ending', async () => {
    expect(await namesBelow(tempFolder({ 'a.md': '', 'b.mdx': '', 'c/d.md': '' }), { ending: '.md' })).toEqual([
      'a.md',
      'c/d.md',
    ])
  })

  it('tells of a folder that cannot be listed', async () => {
    const folders: string[] = []
    const onUnreadable = (folder: Buffer): void => void folders.push(folder.toString())

    const names = await namesBelow('/nowhere', { onUnreadable })

    expect([names, folders]).toEqual([[], ['/nowhere']])
  })
})
