import { describe, expect, it } from 'vitest'
import { shop } from '../simulation/shop/shop.js'
import { acknowledgedOnArrival } from './acknowledged-on-arrival.js'
import { callOutlivesPeer } from './call-outlives-peer.js'
import { cancelNotSent } from './cancel-not-sent.js'
import { completionRepeated } from './completion-repeated.js'
import { creditLostOnCancel } from './credit-lost-on-cancel.js'
import { creditReturnedTwice } from './credit-returned-twice.js'
import { deadLetterLost } from './dead-letter-lost.js'
import { deliveriesSwapped } from './deliveries-swapped.js'
import { findMutant } from './find-mutant.js'
import { itemsSwapped } from './items-swapped.js'
import { lastItemDropped } from './last-item-dropped.js'
import type { Mutant } from './mutant.js'
import { SHOP_OPTIONS } from '../simulation/shop-options.js'
import { redeliveryIgnored } from './redelivery-ignored.js'
import { removalsForgotten } from './removals-forgotten.js'
import { staleNodePicked } from './stale-node-picked.js'
import { turnsNotTaken } from './turns-not-taken.js'

/** Those that show in a few seeds; `npm run test:mutants` finds all. */
const quick: readonly Mutant[] = [
  creditLostOnCancel,
  creditReturnedTwice,
  lastItemDropped,
  itemsSwapped,
  completionRepeated,
  cancelNotSent,
  callOutlivesPeer,
  staleNodePicked,
  removalsForgotten,
  acknowledgedOnArrival,
  redeliveryIgnored,
  deadLetterLost,
  turnsNotTaken,
  deliveriesSwapped,
]

describe('simulate', () => {
  it.each(quick.map(mutant => [mutant.name, mutant] as const))('finds %s', async (_, mutant) => {
    const found = await findMutant(shop, mutant, SHOP_OPTIONS, 10)

    expect(found).toBeDefined()
  })
})
