import * as E from 'fp-ts/lib/Either.js'
import type { Check } from '../core/index.js'
import type { StandardSchema } from './standard-schema.js'

/** A Standard Schema, as an option. */
export const standardSchema: Check<StandardSchema> = (value, name) => {
  const properties = (value as Partial<StandardSchema> | null)?.['~standard']
  return properties?.version === 1 && typeof properties.validate === 'function'
    ? E.right(value as StandardSchema)
    : E.left([`${name}: expected a Standard Schema, got ${value === null ? 'null' : typeof value}`])
}
