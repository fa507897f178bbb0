import { pipe } from 'rxjs'
import { avoidRefused } from './avoid-refused.js'
import { ejectOutliers } from './eject-outliers.js'
import { p2c } from './p2c.js'
import type { Selector } from './selector.js'

const lessBusy: Selector = p2c()

/**
 * What a client uses when it is given no other: the less busy of two nodes, but none that fails more than others or has
 * just refused, while another exists.
 */
export const defaultSelector: Selector = context => {
  // In this order: a node that is missing from a snapshot is one that ejectOutliers forgets.
  return pipe(ejectOutliers(context), avoidRefused(context), lessBusy(context))
}
