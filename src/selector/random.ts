import type { Selector } from './selector.js'
import { strategy } from './strategy.js'

/** Picks any node, each as likely as every other. */
export const random: Selector = strategy(runtime => nodes => Math.floor(runtime.random() * nodes.length))
