import type { Endpoint, Metadata, ValueShape } from './registry.js'

/** Deepest level of a shape that is read; go-micro writes three. */
const MAX_SHAPE_DEPTH = 8

/** The endpoints of a record as go-micro writes them, absent when there are none; `undefined` when they are none. */
export function readEndpoints(value: unknown): readonly Endpoint[] | undefined {
  if (value === null || value === undefined) return []
  if (!Array.isArray(value)) return undefined
  const endpoints = value.map(readEndpoint)
  return endpoints.every(endpoint => endpoint !== undefined) ? endpoints : undefined
}

/** Labels as go-micro writes them, absent when there are none; `undefined` when they are none. */
export function readMetadata(value: unknown): Metadata | undefined {
  if (value === null || value === undefined) return {}
  if (!isRecord(value) || !Object.values(value).every(entry => typeof entry === 'string')) return undefined
  return value as Metadata
}

/** Whether a value of JSON is an object. */
export function isRecord(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function readEndpoint(value: unknown): Endpoint | undefined {
  if (!isRecord(value) || typeof value['name'] !== 'string') return undefined
  const metadata = readMetadata(value['metadata'])
  if (metadata === undefined) return undefined
  const { name, request, response } = value
  return { name, request: readShape(request, 0), response: readShape(response, 0), metadata }
}

/** A shape only describes; what cannot be read of it is left out. */
function readShape(value: unknown, depth: number): ValueShape | null {
  if (!isRecord(value) || depth === MAX_SHAPE_DEPTH) return null
  const { name, type, values } = value
  if (typeof name !== 'string' || typeof type !== 'string') return null
  if (!Array.isArray(values)) return { name, type, values: null }
  return { name, type, values: values.map(each => readShape(each, depth + 1)).filter(each => each !== null) }
}
