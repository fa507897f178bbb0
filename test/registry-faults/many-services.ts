import { contract, unary } from 'millrace/actors'

const endpoints = { who: unary<void, string>() }

/** One of the services of the cluster: says which process answers. */
export type Who = ReturnType<typeof whoOf>

function whoOf(index: number) {
  return contract(`service-${index}`, endpoints)
}

/** Fifty services, all alike. */
export const services: readonly Who[] = Array.from({ length: 50 }, (_, index) => whoOf(index))

/** What all keys of the cluster begin with. */
export const PREFIX = '/cluster'

/** Time to live of what is registered, ms. */
export const TTL_MS = 5000
