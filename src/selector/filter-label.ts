import type { OperatorFunction } from 'rxjs'
import type { Snapshot } from '../registry/index.js'
import { filterNodes } from './filter-nodes.js'

/** Keeps the nodes whose metadata has exactly this `value` under `name`. */
export function filterLabel(name: string, value: string): OperatorFunction<Snapshot, Snapshot> {
  return filterNodes(`without label ${name}=${value}`, node => node.metadata[name] === value)
}
