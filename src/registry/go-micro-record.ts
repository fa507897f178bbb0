import * as E from 'fp-ts/lib/Either.js'
import type { Instance } from './registry.js'
/** interim */
export function recordKey(prefix: string, name: string, id: string): string {
  return `${prefix}/${name.replaceAll('/', '-')}/${id.replaceAll('/', '-')}`
}
/** interim */
export function encodeRecord({ name, version, metadata, endpoints, node }: Instance): string {
  return JSON.stringify({ name, version, metadata, endpoints, nodes: [node] })
}
/** interim */
export function decodeRecord(text: string): E.Either<string, Instance> {
  try {
    const { nodes, ...service } = JSON.parse(text)
    return E.right({ ...service, node: nodes[0] })
  } catch (error) {
    return E.left(String(error))
  }
}
