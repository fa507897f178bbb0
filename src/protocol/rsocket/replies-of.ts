import { Observable } from 'rxjs'
import type { Message } from '../../core/index.js'
import { runCall, type Call, type Peer } from '../peer.js'

/** What `peer` answers; that it throws is an answer, too. */
export function repliesOf(peer: Peer, call: Call): Observable<Message> {
  return new Observable(subscriber => runCall(peer, call, subscriber))
}
