import { Subscription, type Unsubscribable } from 'rxjs'
import { RpcError } from '../../core/index.js'
import type { Call, ReplyObserver } from '../peer.js'
import { ChannelRequester } from './channel-requester.js'
import type { RequesterContext } from './requester-context.js'
import { StreamRequester } from './stream-requester.js'
import { TellRequester } from './tell-requester.js'
import { UnaryRequester } from './unary-requester.js'

/** Makes a call over a connection. Throws when the body cannot be encoded or is too large. */
export function request(context: RequesterContext, call: Call, replies: ReplyObserver): Unsubscribable {
  const refusal = context.refusal()
  if (refusal !== undefined) {
    replies.error(refusal)
    return Subscription.EMPTY
  }
  const { leases } = context
  if (leases === undefined) return open(context, call, replies)
  return leases.pass({
    open: () => openLeased(context, call, replies),
    fail: error => replies.error(error),
  })
}

/** As {@link open}, perhaps later: then much may have changed, and nobody stands above who hears of what it throws. */
function openLeased(context: RequesterContext, call: Call, replies: ReplyObserver): Unsubscribable {
  try {
    const refusal = context.refusal()
    if (refusal !== undefined) throw refusal
    return open(context, call, replies)
  } catch (error) {
    replies.error(RpcError.from(error, 'INTERNAL'))
    return Subscription.EMPTY
  }
}

function open(context: RequesterContext, call: Call, replies: ReplyObserver): Unsubscribable {
  switch (call.kind) {
    case 'unary':
      return new UnaryRequester(context, call, replies)
    case 'serverStream':
      return new StreamRequester(context, call, replies)
    case 'tell':
      return new TellRequester(context, call, replies)
    case 'clientStream':
    case 'duplex':
      return new ChannelRequester(context, call, replies).start()
  }
}
