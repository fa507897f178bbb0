import type { Json, RpcError } from '../core/index.js'
import type { SchemaIssue, SchemaResult, StandardSchema } from './standard-schema.js'

/**
 * Gives the value as the schema changes it, or a promise of it when the schema is asynchronous.
 * Throws, or rejects with, the error made for a refused value.
 */
export type SchemaCheck = (value: unknown) => unknown

/** Makes the error for a value that its schema refuses. */
export type Refusal = (what: string, issues: Json) => RpcError

const MAX_ISSUES = 16

/** The check for `schema`; `undefined` when there is none, so that no check costs nothing. */
export function schemaCheck(schema: StandardSchema | undefined, refusal: Refusal): SchemaCheck | undefined {
  if (schema === undefined) return undefined
  const { '~standard': standard } = schema
  const read = (result: SchemaResult<unknown>): unknown => {
    if (result.issues === undefined) return result.value
    throw refused(result.issues, refusal)
  }
  return value => {
    const result = standard.validate(value)
    return result instanceof Promise ? result.then(read) : read(result)
  }
}

function refused(all: readonly SchemaIssue[], refusal: Refusal): RpcError {
  const issues = all.slice(0, MAX_ISSUES).map(({ message, path }) => ({ path: pathOf(path), message }))
  const rest = all.length > MAX_ISSUES ? `; and ${all.length - MAX_ISSUES} more` : ''
  const what = issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')
  return refusal(what + rest, { issues })
}

/** `user.tags[0]`; empty for the value itself. */
function pathOf(path: SchemaIssue['path'] = []): string {
  let text = ''
  for (const segment of path) {
    const key = typeof segment === 'object' ? segment.key : segment
    if (typeof key === 'number') text += `[${key}]`
    else text += text === '' ? String(key) : `.${String(key)}`
  }
  return text
}
