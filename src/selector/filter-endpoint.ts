import type { OperatorFunction } from 'rxjs'
import type { Snapshot } from '../registry/index.js'
import { filterNodes } from './filter-nodes.js'

/** Keeps the services that answer the endpoint `name`, written `contract.endpoint`. */
export function filterEndpoint(name: string): OperatorFunction<Snapshot, Snapshot> {
  return filterNodes(`without endpoint ${name}`, (_, { endpoints }) =>
    endpoints.some(endpoint => endpoint.name === name),
  )
}
