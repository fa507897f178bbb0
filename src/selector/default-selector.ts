import { pipe } from 'rxjs'
import { avoidRefused } from './avoid-refused.js'
import { random } from './random.js'
import type { Selector } from './selector.js'

/** What a client uses when it is given no other: any node, but none that has just refused while another exists. */
export const defaultSelector: Selector = context => pipe(avoidRefused(context), random(context))
