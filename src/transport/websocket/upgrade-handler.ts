import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

/** Takes a request to upgrade on the path that is listened on, as Node's HTTP servers hand it out. */
export type UpgradeHandler = (request: IncomingMessage, stream: Duplex, head: Buffer) => void

/** Whether a request is for `path`, whatever its query. */
export function isFor(path: string, { url = '/' }: IncomingMessage): boolean {
  const query = url.indexOf('?')
  return path === (query < 0 ? url : url.slice(0, query))
}

/** Answers a request to upgrade with an HTTP status instead, and ends its connection. */
export function refuseUpgrade(stream: Duplex, status: string): void {
  stream.on('error', () => stream.destroy()) // the client may have gone, which is what we want of it
  stream.once('finish', () => stream.destroy())
  stream.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
