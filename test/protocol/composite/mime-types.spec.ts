import { describe, expect, it } from 'vitest'
import { COMPOSITE_METADATA, MimeId, mimeIdOf, mimeTypeOf } from '../../../src/protocol/rsocket/composite/mime-types.js'

/** The published table: first id, kind, names. */
const rows = [
  [0x00, 'application', 'avro cbor graphql gzip javascript json octet-stream pdf'],
  [0x08, 'application', 'vnd.apache.thrift.binary vnd.google.protobuf xml zip'],
  [0x0c, 'audio', 'aac mp3 mp4 mpeg3 mpeg ogg opus vorbis'],
  [0x14, 'image', 'bmp gif heic-sequence heic heif-sequence heif jpeg png tiff'],
  [0x1d, 'multipart', 'mixed'],
  [0x1e, 'text', 'css csv html plain xml'],
  [0x23, 'video', 'H264 H265 VP8'],
  [0x26, 'application', 'x-hessian x-java-object cloudevents+json x-capnp x-flatbuffers'],
  [0x7a, 'message/x.rsocket', 'mime-type.v0 accept-mime-types.v0 authentication.v0 tracing-zipkin.v0'],
  [0x7e, 'message/x.rsocket', 'routing.v0 composite-metadata.v0'],
] as const
const assigned = rows.flatMap(([first, kind, names]) =>
  names.split(' ').map((name, index) => [first + index, `${kind}${kind.includes('/') ? '.' : '/'}${name}`] as const),
)

describe('mimeTypeOf', () => {
  it('is the published table', () => {
    const ids = Array.from({ length: 128 }, (_, id) => id)

    const named = ids.flatMap(id => (mimeTypeOf(id) === undefined ? [] : [[id, mimeTypeOf(id)]]))

    expect(named).toEqual(assigned)
  })
})

describe('mimeIdOf', () => {
  it('is the same table', () => {
    expect(assigned.map(([, name]) => mimeIdOf(name))).toEqual(assigned.map(([id]) => id))
  })

  it('has no id for other names', () => {
    expect(['application/msgpack', 'constructor', ''].map(mimeIdOf)).toEqual([undefined, undefined, undefined])
  })
})

describe('MimeId', () => {
  it('names the extensions', () => {
    expect(Object.values(MimeId)).toEqual(assigned.slice(-6).map(([id]) => id))
    expect(mimeTypeOf(MimeId.COMPOSITE_METADATA)).toBe(COMPOSITE_METADATA)
  })
})
