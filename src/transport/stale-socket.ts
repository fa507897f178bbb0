import { linkSync, lstatSync, renameSync, unlinkSync, type BigIntStats } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { Observable } from 'rxjs'
import { explainErrno } from './explain-errno.js'
import { listenFailed } from './transport-errors.js'

/**
 * Makes way for a listener: removes the socket file of a process that was killed, which nobody answers. Emits once when
 * the path is free and completes; fails with UNAVAILABLE (reason `listen_failed`) when somebody listens there, when the
 * file is no socket, or when it cannot be told.
 */
export function removeStaleSocket(path: string): Observable<void> {
  return new Observable(subscriber => {
    const free = (): void => {
      subscriber.next()
      subscriber.complete()
    }
    const found = lookedUp(path)
    if (found === undefined) return free()
    if (!found.isSocket()) throw listenFailed(path, 'a file that is no socket is there')
    const probe = connect({ path })
    subscriber.add(() => probe.destroy())
    probe.on('connect', () => subscriber.error(listenFailed(path, 'somebody listens there already')))
    probe.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return free() // it has just gone
      if (error.code !== 'ECONNREFUSED') return subscriber.error(listenFailed(path, explainErrno(error), error))
      try {
        takeAway(path, found)
      } catch (refusal) {
        return subscriber.error(refusal)
      }
      free()
    })
    return undefined
  })
}

/**
 * Removes the file at `path` if it still is the one that was `seen`. Another process may take it over in the same moment:
 * the file is moved aside first, which one of them does, and put back if it is a new one.
 */
export function takeAway(path: string, seen: BigIntStats): void {
  const aside = join(dirname(path), `.${seen.ino.toString(36)}`)
  try {
    renameSync(path, aside)
    const moved = lstatSync(aside, { bigint: true })
    const isSeen = moved.dev === seen.dev && moved.ino === seen.ino && moved.mtimeNs === seen.mtimeNs
    if (!isSeen) linkSync(aside, path)
    unlinkSync(aside)
    if (isSeen) return
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return // the other was faster; binding will tell
    throw listenFailed(path, `the file of a dead process: ${explainErrno(error as NodeJS.ErrnoException)}`, error)
  }
  throw listenFailed(path, 'somebody else has just begun to listen there')
}

function lookedUp(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false })
  } catch (error) {
    throw listenFailed(path, explainErrno(error as NodeJS.ErrnoException), error)
  }
}
