/** The areas of `src`, lowest first: an area imports only areas before it. */
export const areas = [
  'core',
  'streams',
  'codec',
  'transport',
  'protocol',
  'registry',
  'selector',
  'broker',
  'actors',
  'testing',
] as const

/** Name of an area. */
export type Area = (typeof areas)[number]

/** The seams: areas made of one interface and implementations that do not know of each other. */
export const seams: ReadonlyMap<Area, RegExp> = new Map([
  ['codec', /\bCodec\b/],
  ['transport', /\bTransport\b/],
  ['protocol', /\bProtocol\b/],
  ['registry', /\bRegistry\b/],
  ['selector', /\b(Selector|Next)\b/],
  ['broker', /\bBroker\b/],
])

/** Areas that stay further apart than the order asks; the others may import everything before them. */
export const allowed: Partial<Record<Area, readonly Area[]>> = {
  codec: ['core'],
  registry: ['core', 'streams'],
  selector: ['core', 'streams', 'registry'],
  broker: ['core', 'streams', 'codec', 'transport', 'registry'],
}

/** The local part of actors, which knows nothing of the network, by file name. */
export const localActors: ReadonlySet<string> = new Set(['behaviour', 'mailbox', 'dispatcher', 'supervision'])

/** The area of a path, `src/<area>/…`. */
export function areaOf(path: string): Area | undefined {
  const [src, area, file] = path.split('/')
  return src === 'src' && file !== undefined ? areas.find(each => each === area) : undefined
}

/**
 * The unit a file belongs to within its area: its own path, or the folder for files in a sub-folder, since
 * `protocol/rsocket/` is one implementation.
 */
export function unitOf(path: string): string {
  return path.split('/').slice(0, 3).join('/')
}

/** Implementations that are entry points of the package, so that others may import them as users do. */
export const entryPoints: ReadonlySet<string> = new Set([
  'src/codec/msgpack.ts',
  'src/transport/nats/index.ts',
  'src/protocol/rsocket/index.ts',
])
