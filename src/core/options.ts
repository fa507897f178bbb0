import { sequenceS } from 'fp-ts/lib/Apply.js'
import * as E from 'fp-ts/lib/Either.js'
import { getSemigroup } from 'fp-ts/lib/NonEmptyArray.js'
import type { NonEmptyArray } from 'fp-ts/lib/NonEmptyArray.js'
import { RpcError } from './rpc-error.js'

/** Reads one option: the value to use, or every fault found, each naming the option. */
export type Check<T> = (value: unknown, name: string) => E.Either<NonEmptyArray<string>, T>

/** One check an option; together they name all the options there are. */
export type Checks<T> = { readonly [K in keyof T]-?: Check<T[K]> }

/** Bounds of a numeric option, both included. */
export interface Range {
  /** Least value. @default -Infinity */
  readonly min?: number
  /** Greatest value. @default Infinity */
  readonly max?: number
}

const validation = E.getApplicativeValidation(getSemigroup<string>())

/**
 * Fills and checks an options object once, in a factory.
 * Throws one INVALID_ARGUMENT (reason `invalid_options`) that lists every fault, misspelt names among them.
 */
export function resolveOptions<T extends object>(owner: string, checks: Checks<T>, options: object | undefined): T {
  const given = (options ?? {}) as Record<string, unknown>
  const results: Record<string, E.Either<NonEmptyArray<string>, unknown>> = Object.create(null)
  for (const name of Object.keys(checks)) results[name] = checks[name as keyof T](given[name], name)
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(checks, name))
      results[name] = E.left([`${name}: no such option, known are ${Object.keys(checks).join(', ')}`])
  }
  const resolved = sequenceS(validation)(results as never) as E.Either<NonEmptyArray<string>, T>
  if (E.isRight(resolved)) return resolved.right
  const faults: readonly string[] = resolved.left
  throw new RpcError('INVALID_ARGUMENT', `${owner}: ${faults.join('; ')}`, {
    reason: 'invalid_options',
    details: faults,
  })
}

/** `undefined` means `fallback`; anything else must pass `check`. */
export function optional<T, D = undefined>(check: Check<T>, fallback?: D): Check<T | D> {
  return (value, name) => (value === undefined ? E.right(fallback as D) : check(value, name))
}

/** A whole number within `range`; `Infinity` is accepted when `range.max` is `Infinity`. */
export function integer(range: Range = {}): Check<number> {
  return numeric('a whole number', value => Number.isSafeInteger(value) || value === Infinity, range)
}

/** A finite number within `range`. */
export function number(range: Range = {}): Check<number> {
  return numeric('a number', Number.isFinite, range)
}

/** A string that is not empty. */
export const text: Check<string> = (value, name) =>
  typeof value === 'string' && value !== '' ? E.right(value) : fault(name, 'a string that is not empty', value)

/** `true` or `false`. */
export const bool: Check<boolean> = (value, name) =>
  typeof value === 'boolean' ? E.right(value) : fault(name, 'true or false', value)

/** A function. */
export function fn<T extends (...args: never[]) => unknown>(): Check<T> {
  return (value, name) => (typeof value === 'function' ? E.right(value as T) : fault(name, 'a function', value))
}

/** One of the given strings. */
export function oneOf<const T extends string>(...choices: readonly T[]): Check<T> {
  return (value, name) =>
    choices.includes(value as T) ? E.right(value as T) : fault(name, `one of ${choices.join(', ')}`, value)
}

/** A list whose every element passes `check`. */
export function listOf<T>(check: Check<T>): Check<readonly T[]> {
  return (value, name) => {
    if (!Array.isArray(value)) return fault(name, 'an array', value)
    const faults: string[] = []
    const items: T[] = []
    value.forEach((element: unknown, index) => {
      const result = check(element, `${name}[${index}]`)
      if (E.isLeft(result)) faults.push(...result.left)
      else items.push(result.right)
    })
    return faults.length > 0 ? E.left(faults as unknown as NonEmptyArray<string>) : E.right(items)
  }
}

/** An object that has the given methods or properties: a collaborator such as a registry or a runtime. */
export function having<T extends object>(...members: readonly (keyof T & string)[]): Check<T> {
  return (value, name) => {
    const missing = members.filter(member => (value as T | null)?.[member] === undefined)
    if (isObject(value) && missing.length === 0) return E.right(value as T)
    return fault(name, missing.length === 0 ? 'an object' : `an object with ${missing.join(', ')}`, value)
  }
}

function numeric(
  what: string,
  is: (value: number) => boolean,
  { min = -Infinity, max = Infinity }: Range,
): Check<number> {
  const bounds = [min > -Infinity ? `≥ ${min}` : '', max < Infinity ? `≤ ${max}` : ''].filter(Boolean).join(' and ')
  const expected = bounds ? `${what} ${bounds}` : what
  return (value, name) =>
    typeof value === 'number' && is(value) && value >= min && value <= max
      ? E.right(value)
      : fault(name, expected, value)
}

function fault(name: string, expected: string, value: unknown): E.Either<NonEmptyArray<string>, never> {
  return E.left([`${name}: expected ${expected}, got ${show(value)}`])
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return typeof value === 'function' ? 'a function' : String(value)
}
