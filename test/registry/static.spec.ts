import { memoryRegistry, staticRegistry, type Registry, type Service } from 'millrace/registry'
import { firstValueFrom, of } from 'rxjs'
import { afterEach, describe, expect, it } from 'vitest'
import { thrownBy } from '../support/thrown-by.js'

const addresses = async (registry: Registry, name: string): Promise<readonly string[]> => {
  const services: readonly Service[] = await firstValueFrom(registry.get(name))
  return services.flatMap(({ nodes }) => nodes.map(({ address }) => address))
}

describe('staticRegistry', () => {
  afterEach(() => {
    delete process.env['MILLRACE_NODES']
  })

  it('has the nodes that are given', async () => {
    const registry = staticRegistry({ nodes: { words: ['10.0.0.1:4000', '[::1]:4001'], report: 'unix:/run/report' } })

    expect(await addresses(registry, 'words')).toEqual(['10.0.0.1:4000', '[::1]:4001'])
    expect(await addresses(registry, 'report')).toEqual(['unix:/run/report'])
    expect(await addresses(registry, 'nobody')).toEqual([])
    expect(await firstValueFrom(registry.list())).toEqual(['report', 'words'])
  })

  it('reads the environment', async () => {
    process.env['MILLRACE_NODES'] = 'words=a:1, b:2 ; report=ws://c:3/rsocket;'

    const registry = staticRegistry()

    expect(await addresses(registry, 'words')).toEqual(['a:1', 'b:2'])
    expect(await addresses(registry, 'report')).toEqual(['ws://c:3/rsocket'])
  })

  it('lists every fault', () => {
    process.env['MILLRACE_NODES'] = 'words=a,b:0,c:70000,::1:5,:6,d:7,d:7;_x=a:1;nothing;empty='

    const error = thrownBy(() => staticRegistry())

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_nodes' })
    expect(error.details).toEqual([
      '"nothing" has no =, as in service=host:port',
      'words: "a" has no port, as in host:port',
      'words: "b:0" has a port that is not 1 to 65535',
      'words: "c:70000" has a port that is not 1 to 65535',
      'words: "::1:5" has an IPv6 address without brackets',
      'words: ":6" has no host, as in host:port',
      'words: "d:7" stands there twice',
      '"_x" is no name of a service',
      'empty: "" is not a text with an address',
    ])
    expect(error.rawMessage).toMatch(/^MILLRACE_NODES: "nothing" has no =/)
  })

  it.each([
    ['neither nodes nor the variable', undefined, 'MILLRACE_NODES is not set'],
    ['no nodes', '', 'MILLRACE_NODES: there are none'],
  ])('refuses %s', (_, value, message) => {
    if (value !== undefined) process.env['MILLRACE_NODES'] = value

    const error = thrownBy(() => staticRegistry())

    expect(error.reason).toBe('invalid_nodes')
    expect(error.rawMessage).toContain(message)
  })

  it('acknowledges who registers, and shows nobody', async () => {
    const registry = staticRegistry({ nodes: { words: 'a:1' } })
    const [instance] = await instances()

    const registration = await firstValueFrom(registry.register(of(instance)))

    expect(registration).toEqual({ instance })
    expect(await addresses(registry, 'words')).toEqual(['a:1'])
  })
})

/** Something that can be registered. */
async function instances() {
  const memory = memoryRegistry()
  const node = { id: 'words-1', address: 'b:2', metadata: {} }
  const registered = memory.register(of({ name: 'words', version: '1.0.0', metadata: {}, endpoints: [], node }))
  const { instance } = await firstValueFrom(registered)
  return [instance] as const
}
