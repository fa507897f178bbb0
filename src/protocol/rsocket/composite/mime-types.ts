/** MIME types with a number of their own in RSocket's extensions. */
const NUMBERED: readonly string[] = [
  'application/avro',
  'application/cbor',
  'application/graphql',
  'application/gzip',
  'application/javascript',
  'application/json',
  'application/octet-stream',
  'application/pdf',
  'application/vnd.apache.thrift.binary',
  'application/vnd.google.protobuf',
  'application/xml',
  'application/zip',
  'audio/aac',
  'audio/mp3',
  'audio/mp4',
  'audio/mpeg3',
  'audio/mpeg',
  'audio/ogg',
  'audio/opus',
  'audio/vorbis',
  'image/bmp',
  'image/gif',
  'image/heic-sequence',
  'image/heic',
  'image/heif-sequence',
  'image/heif',
  'image/jpeg',
  'image/png',
  'image/tiff',
  'multipart/mixed',
  'text/css',
  'text/csv',
  'text/html',
  'text/plain',
  'text/xml',
  'video/H264',
  'video/H265',
  'video/VP8',
  'application/x-hessian',
  'application/x-java-object',
  'application/cloudevents+json',
  'application/x-capnp',
  'application/x-flatbuffers',
]

/** Numbers of the types of metadata that are understood here. */
export const MimeId = {
  MIME_TYPE: 0x7a,
  ACCEPT_MIME_TYPES: 0x7b,
  AUTHENTICATION: 0x7c,
  TRACING_ZIPKIN: 0x7d,
  ROUTING: 0x7e,
  COMPOSITE_METADATA: 0x7f,
} as const

/** MIME type of composite metadata, which SETUP announces. */
export const COMPOSITE_METADATA = 'message/x.rsocket.composite-metadata.v0'

const EXTENSIONS: ReadonlyMap<number, string> = new Map([
  [MimeId.MIME_TYPE, 'message/x.rsocket.mime-type.v0'],
  [MimeId.ACCEPT_MIME_TYPES, 'message/x.rsocket.accept-mime-types.v0'],
  [MimeId.AUTHENTICATION, 'message/x.rsocket.authentication.v0'],
  [MimeId.TRACING_ZIPKIN, 'message/x.rsocket.tracing-zipkin.v0'],
  [MimeId.ROUTING, 'message/x.rsocket.routing.v0'],
  [MimeId.COMPOSITE_METADATA, COMPOSITE_METADATA],
])

const IDS: ReadonlyMap<string, number> = new Map([
  ...NUMBERED.map((type, id): [string, number] => [type, id]),
  ...[...EXTENSIONS].map(([id, type]): [string, number] => [type, id]),
])

/** The MIME type with a number; `undefined` when none has it. */
export function mimeTypeOf(id: number): string | undefined {
  return NUMBERED[id] ?? EXTENSIONS.get(id)
}

/** The number of a MIME type; `undefined` when it has none. */
export function mimeIdOf(mimeType: string): number | undefined {
  return IDS.get(mimeType)
}
