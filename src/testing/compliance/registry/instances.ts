import type { Instance, Service } from '../../../registry/index.js'

/** An instance of a service; what is not said is the same for all. */
export function instanceOf(
  name: string,
  id: string,
  { version = '1.0.0', address = '127.0.0.1:4000' }: { readonly version?: string; readonly address?: string } = {},
): Instance {
  return {
    name,
    version,
    metadata: { team: 'word count' },
    endpoints: [
      {
        name: `${name}.count`,
        request: { name: 'text', type: 'string', values: null },
        response: { name: 'Tally', type: 'object', values: [{ name: 'words', type: 'number', values: null }] },
        metadata: { stream: 'true' },
      },
    ],
    node: { id, address, metadata: { protocol: 'rsocket', transport: 'tcp', zone: 'zürich' } },
  }
}

/** The service that a registry shows when only `instance` is registered. */
export function serviceOf({ node, ...service }: Instance): Service {
  return { ...service, nodes: [node] }
}

/** Services in short: `words@1.0.0 a b`. */
export function shortly(services: readonly Service[]): readonly string[] {
  return services.map(({ name, version, nodes }) => [`${name}@${version}`, ...nodes.map(({ id }) => id)].join(' '))
}
