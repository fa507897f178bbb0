import type { Invariant } from '../observed.js'
import { callsEnd } from './calls-end.js'
import { callsGoToSeenNodes } from './calls-go-to-seen-nodes.js'
import { callsRunOnce } from './calls-run-once.js'
import { demandIsRespected } from './demand-is-respected.js'
import { itemsArriveInOrder } from './items-arrive-in-order.js'
import { keysAreOrdered } from './keys-are-ordered.js'
import { messagesAreKeptOnce } from './messages-are-kept-once.js'
import { messagesAreProcessed } from './messages-are-processed.js'
import { messagesBeginInOrder } from './messages-begin-in-order.js'
import { ownersAreRegistered } from './owners-are-registered.js'
import { registryConverges } from './registry-converges.js'
import { streamsEndOnce } from './streams-end-once.js'
import { watchesMissNothing } from './watches-miss-nothing.js'

/** What is checked in every simulation that does not say otherwise. */
export const standardInvariants: readonly Invariant[] = [
  callsEnd(),
  itemsArriveInOrder,
  callsRunOnce,
  demandIsRespected(),
  streamsEndOnce,
  callsGoToSeenNodes,
  registryConverges(),
  ownersAreRegistered,
  watchesMissNothing(),
  messagesAreProcessed(),
  messagesBeginInOrder,
  keysAreOrdered,
  messagesAreKeptOnce,
]
