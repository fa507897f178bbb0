import type { NatsConnection, NatsLink } from 'millrace/transport/nats'
import { map } from 'rxjs'

/** Sends what is published to a subject, as often as it likes. */
export type Meddle = (payload: Uint8Array, send: () => void) => void

/** `connection` whose links let `meddle` send what is published over them. */
export function meddled(connection: NatsConnection, meddle: Meddle): NatsConnection {
  const links = new WeakMap<NatsLink, NatsLink>()
  const alter = (link: NatsLink): NatsLink => {
    const altered = links.get(link) ?? alteredLink(link, meddle)
    links.set(link, altered)
    return altered
  }
  return { ...connection, link$: connection.link$.pipe(map(link => link && alter(link))) }
}

function alteredLink(link: NatsLink, meddle: Meddle): NatsLink {
  const { server, maxPayloadBytes, version, hasJetStream, lost$ } = link
  return {
    ...{ server, maxPayloadBytes, version, hasJetStream, lost$ },
    publish: (subject, payload, options) => meddle(payload, () => link.publish(subject, payload, options)),
    confirm: (done, subject) => link.confirm(done, subject),
    subscribe: (subject, onMessage, options) => link.subscribe(subject, onMessage, options),
    inbox: () => link.inbox(),
  }
}
