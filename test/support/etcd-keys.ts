import { request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { certificate, identity } from './certificates.js'

/** The keys of an etcd as tests see them: past every client library, over HTTP. */
export class EtcdKeys {
  private readonly endpoint: string
  private token: string | undefined

  constructor(endpoint: string) {
    this.endpoint = endpoint
  }

  /** Writes `value` at `key`; gives the revision. */
  async put(key: string, value: string | Uint8Array): Promise<number> {
    return revisionOf(await this.call('/v3/kv/put', { key: base64(key), value: base64(value) }))
  }

  /** The value at `key`. */
  async get(key: string): Promise<string | undefined> {
    const { kvs = [] } = (await this.call('/v3/kv/range', { key: base64(key) })) as Range
    return kvs[0] === undefined ? undefined : text(kvs[0].value)
  }

  /** All keys that begin with `prefix`, in order, with what is there. */
  async under(prefix: string): Promise<readonly { readonly key: string; readonly value: string }[]> {
    const { kvs = [] } = (await this.call('/v3/kv/range', rangeOf(prefix))) as Range
    return kvs.map(({ key, value }) => ({ key: text(key), value: text(value) }))
  }

  /** Deletes `key`; gives the revision. */
  async delete(key: string): Promise<number> {
    return revisionOf(await this.call('/v3/kv/deleterange', { key: base64(key) }))
  }

  /** The revision of now. */
  async revision(): Promise<number> {
    return revisionOf(await this.call('/v3/kv/range', { key: base64('\0') }))
  }

  /** Forgets what was before now: whoever watches from an earlier revision is told that it is gone. */
  async compact(): Promise<void> {
    await this.call('/v3/kv/compaction', { revision: await this.revision(), physical: true })
  }

  /** The leases that there are. */
  async leases(): Promise<readonly string[]> {
    const { leases = [] } = (await this.call('/v3/lease/leases', {})) as { leases?: readonly { readonly ID: string }[] }
    return leases.map(({ ID }) => ID)
  }

  /** Takes a lease away from its owner, and the keys that hang on it. */
  async revoke(lease: string): Promise<void> {
    await this.call('/v3/lease/revoke', { ID: lease })
  }

  /** Lets nobody in any more but `root` with this password. */
  async requirePassword(password: string): Promise<void> {
    await this.call('/v3/auth/user/add', { name: 'root', password })
    await this.call('/v3/auth/role/add', { name: 'root' })
    await this.call('/v3/auth/user/grant', { user: 'root', role: 'root' })
    await this.call('/v3/auth/enable', {})
    const { token } = (await this.call('/v3/auth/authenticate', { name: 'root', password })) as { token: string }
    this.token = token
  }

  /** Whether this member leads its cluster. */
  async leads(): Promise<boolean> {
    const status = (await this.call('/v3/maintenance/status', {})) as {
      readonly header: { readonly member_id: string }
      readonly leader?: string
    }
    return status.leader === status.header.member_id
  }

  /** Whether it answers, and has a leader. */
  async healthy(): Promise<boolean> {
    try {
      return ((await this.call('/health', undefined, 500)) as { health: string }).health === 'true'
    } catch {
      return false
    }
  }

  /** One request, which fails when it is not answered in time. Whoever answers is believed: tests have expired certificates. */
  private call(path: string, body?: object, timeout = 3000): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const secure = this.endpoint.startsWith('https:')
      const trust = secure ? { ...identity('client'), ca: certificate('authority'), rejectUnauthorized: false } : {}
      const headers = this.token === undefined ? {} : { authorization: this.token }
      const options = { method: body === undefined ? 'GET' : 'POST', headers, timeout, agent: false, ...trust }
      const asked = (secure ? tlsRequest : plainRequest)(`${this.endpoint}${path}`, options, response => {
        let answer = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (answer += chunk))
        response.on('error', reject)
        response.on('end', () => {
          if (response.statusCode === 200) resolve(JSON.parse(answer))
          else reject(new Error(`${path} of etcd: ${response.statusCode} ${answer}`))
        })
      })
      asked.on('timeout', () => asked.destroy(new Error(`${path} of etcd: no answer within ${timeout} ms`)))
      asked.on('error', reject)
      asked.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }
}

interface Range {
  readonly kvs?: readonly { readonly key: string; readonly value?: string }[]
}

function base64(value: string | Uint8Array): string {
  return Buffer.from(value).toString('base64')
}

function text(value = ''): string {
  return Buffer.from(value, 'base64').toString()
}

/** From the prefix up to the first key that is behind all that begin with it. */
function rangeOf(prefix: string): object {
  const end = Buffer.from(prefix)
  end[end.length - 1] = (end.at(-1) ?? 0) + 1
  return { key: base64(prefix), range_end: base64(end) }
}

function revisionOf(answer: unknown): number {
  return Number((answer as { readonly header: { readonly revision: string } }).header.revision)
}
