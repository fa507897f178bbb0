import { codes, RpcError } from '../core/index.js'
import { hidesItsContent, ownText } from './same-value.js'

/** What fits beside the letter that stands for it, in two lines at most. */
const LONGEST = 130

/** A value as a reader of TypeScript would write it, on one line; what is deep inside is left out to make it fit. */
export function valueText(value: unknown): string {
  const [text = ''] = [4, 3, 2, 1].map(depth => written(value, depth)).filter(({ length }) => length <= LONGEST)
  return text === '' ? `${written(value, 1).slice(0, LONGEST - 1)}…` : text
}

function written(value: unknown, depth: number): string {
  if (typeof value === 'string') return `'${value.slice(0, LONGEST)}'`
  if (typeof value === 'bigint') return `${value}n`
  if (Object.is(value, -0)) return '-0'
  if (typeof value === 'function') return value.name || 'function'
  if (typeof value !== 'object' || value === null) return String(value)
  if (RpcError.is(value) || isErrorLike(value)) return [value.code, value.reason].filter(Boolean).join(' ')
  if (value instanceof Error) return String(value)
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (hidesItsContent(value)) return ownText(value) ?? value.constructor.name
  if (depth === 0) return name(value)
  const inner = (item: unknown): string => written(item, depth - 1)
  if (Array.isArray(value)) return `[${value.slice(0, LONGEST).map(inner).join(', ')}]`
  if (value instanceof Set) return `Set(${inner([...value])})`
  if (value instanceof Map) return `Map(${inner([...value])})`
  const fields = Object.entries(value).map(([name, field]) => `${name}: ${inner(field)}`)
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`
}

/** Whether an object stands for an `RpcError` in an expectation. */
function isErrorLike(value: object): value is { readonly code: string; readonly reason?: string } {
  if (!('code' in value) || !codes.some(code => code === value.code)) return false
  return Object.keys(value).every(key => key === 'code' || key === 'reason')
}

/** What an object is called, where there is no room for what it has. */
function name(value: object): string {
  if (Array.isArray(value)) return value.length === 0 ? '[]' : '[…]'
  if ('id' in value && typeof value.id === 'string') return value.id
  return Object.keys(value).length === 0 ? '{}' : '{…}'
}
