import { callOutlivesPeer } from './call-outlives-peer.js'
import { cancelNotSent } from './cancel-not-sent.js'
import { completionRepeated } from './completion-repeated.js'
import { creditLostOnCancel } from './credit-lost-on-cancel.js'
import { creditReturnedTwice } from './credit-returned-twice.js'
import { deletionsNotHeard } from './deletions-not-heard.js'
import { frameRepeatedAfterResume } from './frame-repeated-after-resume.js'
import { gapNotListed } from './gap-not-listed.js'
import { goodbyeMissing } from './goodbye-missing.js'
import { itemsSwapped } from './items-swapped.js'
import { lastItemDropped } from './last-item-dropped.js'
import { leaseBelieved } from './lease-believed.js'
import { acknowledgedOnArrival } from './acknowledged-on-arrival.js'
import { redeliveryIgnored } from './redelivery-ignored.js'
import { deadLetterLost } from './dead-letter-lost.js'
import { turnsNotTaken } from './turns-not-taken.js'
import { anotherIdOnRetry } from './another-id-on-retry.js'
import { deliveriesSwapped } from './deliveries-swapped.js'
import type { Mutant } from './mutant.js'
import { recordNotPutAgain } from './record-not-put-again.js'
import { registeredAgain } from './registered-again.js'
import { removalsForgotten } from './removals-forgotten.js'
import { staleNodePicked } from './stale-node-picked.js'
import { unsafeRetry } from './unsafe-retry.js'

/** Every planted fault. */
export const mutants: readonly Mutant[] = [
  creditLostOnCancel,
  creditReturnedTwice,
  lastItemDropped,
  itemsSwapped,
  frameRepeatedAfterResume,
  completionRepeated,
  cancelNotSent,
  callOutlivesPeer,
  unsafeRetry,
  goodbyeMissing,
  registeredAgain,
  staleNodePicked,
  leaseBelieved,
  recordNotPutAgain,
  gapNotListed,
  removalsForgotten,
  deletionsNotHeard,
  acknowledgedOnArrival,
  redeliveryIgnored,
  deadLetterLost,
  turnsNotTaken,
  anotherIdOnRetry,
  deliveriesSwapped,
]
