import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { RpcError } from 'millrace'
import { type Block, blocks } from './blocks.js'
import { isRefused, refused } from './refused.js'

// A path may have become something else since it was listed: a link is not followed, a pipe not waited for.
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * The lines of a file, without their ends. The whole file is checked before the first line is given: refused is what
 * cannot be read, is not UTF-8, or has a line over 1 MiB.
 *
 * A file that fits into one block is read once. A longer one is read twice, in bounded memory: what is appended in
 * between is left out, any other change that makes a line bad or the file shorter fails with ABORTED
 * (reason `file_changed`), which is no refusal, for lines of it have been given.
 */
export async function* lines(path: Uint8Array): AsyncGenerator<string> {
  const file = await openFile(path)
  try {
    const { size, only } = await check(file)
    if (only === undefined) yield* linesAgain(file, size)
    else yield* linesOf(only)
  } finally {
    await file.close()
  }
}

async function openFile(path: Uint8Array): Promise<FileHandle> {
  let file: FileHandle | undefined
  try {
    file = await open(Buffer.from(path), FLAGS)
    if ((await file.stat()).isFile()) return file
  } catch (error) {
    await file?.close()
    throw unreadable(error)
  }
  await file.close()
  throw refused('unreadable', 'it is not a regular file')
}

/** The size of a file that is fine, and its block if there is no other. */
async function check(file: FileHandle): Promise<{ readonly size: number; readonly only: Block | undefined }> {
  let size = 0
  let only: Block | undefined
  try {
    for await (const block of blocks(file)) {
      only = size === 0 ? block : undefined
      size += block.bytes.length
    }
  } catch (error) {
    throw isRefused(error) ? error : unreadable(error)
  }
  return { size, only }
}

async function* linesAgain(file: FileHandle, size: number): AsyncGenerator<string> {
  let given = 0
  try {
    for await (const block of blocks(file, size)) {
      yield* linesOf(block)
      given += block.bytes.length
    }
  } catch (error) {
    throw changed(`after ${given} of ${size} bytes`, error)
  }
  if (given < size) throw changed(`it ends after ${given} of ${size} bytes`)
}

function linesOf({ bytes }: Block): string[] {
  const lines = bytes.toString('utf8').split('\n')
  if (lines.at(-1) === '') lines.pop() // the file, or the block, ends with the end of a line
  return lines
}

function unreadable(error: unknown): RpcError {
  return refused('unreadable', RpcError.from(error).rawMessage)
}

function changed(where: string, cause?: unknown): RpcError {
  return new RpcError('ABORTED', `the file was changed while it was read: ${where}`, { reason: 'file_changed', cause })
}
