import type { RpcError } from '../core/index.js'
import { notEncodable, tooDeep, tooLarge, tooManyItems } from './codec-errors.js'
import type { CodecLimits } from './codec.js'

/**
 * What a codec says of a value that not every codec keeps: `undefined` when it keeps the value, else what is wrong.
 * Asked for bigints, numbers that are not finite, strings with a lone surrogate, `undefined` in a field or an element,
 * symbols, functions, and objects that are neither arrays nor plain.
 */
export type Unusual = (value: unknown, inArray: boolean) => string | undefined

/**
 * Checks, before a codec writes a value, that it will arrive as it is: one walk without allocation.
 * It ends for every value, cyclic ones too, because it stops at the limits.
 */
export class PlainDataCheck {
  /** Whether the value checked last has a −0 in it, which the writers below us take for 0. */
  hasNegativeZero: boolean
  private readonly codec: string
  private readonly limits: CodecLimits
  private readonly unusual: Unusual
  private items: number
  /** Bytes that the value last checked takes at least. */
  leastBytes: number

  /** Makes a check for `codec`, whose name stands in the errors. */
  constructor(codec: string, limits: CodecLimits, unusual: Unusual) {
    this.hasNegativeZero = false
    this.codec = codec
    this.limits = limits
    this.unusual = unusual
    this.items = 0
    this.leastBytes = 0
  }

  /** Throws what `encode` has to throw when `value` cannot be kept. */
  run(value: unknown): void {
    this.hasNegativeZero = false
    this.items = this.limits.maxItems
    this.leastBytes = 0
    const fault = value === undefined ? new Fault('undefined, which means no body at all') : this.guarded(value)
    if (fault !== undefined) throw this.error(fault, value)
  }

  private guarded(value: unknown): Fault | undefined {
    try {
      return this.check(value, 0, false)
    } catch (cause) {
      return new Fault('a getter or proxy that throws', 'not_encodable', cause)
    }
  }

  private check(value: unknown, depth: number, inArray: boolean): Fault | undefined {
    switch (typeof value) {
      case 'string':
        return value.isWellFormed() ? this.spend(value.length) : this.ask(value, inArray)
      case 'number':
        if (value === 0) {
          if (1 / value < 0) this.hasNegativeZero = true
          return undefined
        }
        return value - value === 0 ? undefined : this.ask(value, inArray)
      case 'boolean':
        return undefined
      case 'object': {
        if (value === null) return undefined
        const prototype: unknown = Object.getPrototypeOf(value)
        if (prototype === Object.prototype || prototype === null) return this.checkFields(value, depth + 1)
        if (prototype === Array.prototype && Array.isArray(value)) return this.checkElements(value, depth + 1)
        if (value instanceof Uint8Array) {
          const fault = this.spend(value.length)
          if (fault !== undefined) return fault
        }
        return this.ask(value, inArray)
      }
      default:
        return this.ask(value, inArray)
    }
  }

  private checkFields(value: object, depth: number): Fault | undefined {
    if (depth > this.limits.maxDepth) return new Fault('', 'too_deep')
    const fields = value as Record<string, unknown>
    for (const name in fields) {
      if (--this.items < 0) return new Fault('', 'too_many_items')
      const fault =
        name === '__proto__'
          ? new Fault('a field of this name')
          : (this.checkName(name) ?? this.check(fields[name], depth, false))
      if (fault !== undefined) return fault.under(name)
    }
    return undefined
  }

  private checkName(name: string): Fault | undefined {
    return name.isWellFormed() ? this.spend(name.length) : this.ask(name, false)
  }

  private checkElements(value: readonly unknown[], depth: number): Fault | undefined {
    if (depth > this.limits.maxDepth) return new Fault('', 'too_deep')
    if ((this.items -= value.length) < 0) return new Fault('', 'too_many_items')
    for (let index = 0; index < value.length; index++) {
      const element = value[index]
      const fault =
        element === undefined && !(index in value) ? new Fault('a hole in the array') : this.check(element, depth, true)
      if (fault !== undefined) return fault.under(index)
    }
    return undefined
  }

  /** Counts bytes that the value takes at least, so that a small object that repeats a large one is refused unwritten. */
  private spend(bytes: number): Fault | undefined {
    return (this.leastBytes += bytes) > this.limits.maxBytes ? new Fault('', 'too_large') : undefined
  }

  private ask(value: unknown, inArray: boolean): Fault | undefined {
    const what = this.unusual(value, inArray)
    return what === undefined ? undefined : new Fault(what)
  }

  private error(fault: Fault, root: unknown): RpcError {
    switch (fault.kind) {
      case 'too_large':
        return tooLarge(this.codec, this.limits, this.leastBytes)
      case 'too_many_items':
        return tooManyItems(this.codec, this.limits)
      case 'too_deep': {
        const length = cycle(root, fault.path)
        return length === undefined
          ? tooDeep(this.codec, this.limits, pathText(fault.path.slice(0, SHOWN)))
          : notEncodable(this.codec, pathText(fault.path.slice(0, length)), 'a reference back to what contains it')
      }
      default:
        return notEncodable(this.codec, pathText(fault.path), fault.what, fault.cause)
    }
  }
}

/** How much of an over-deep path an error shows. */
const SHOWN = 8

class Fault {
  readonly what: string
  readonly kind: 'not_encodable' | 'too_deep' | 'too_large' | 'too_many_items'
  readonly cause: unknown
  readonly path: (string | number)[]

  constructor(what: string, kind: Fault['kind'] = 'not_encodable', cause?: unknown) {
    this.what = what
    this.kind = kind
    this.cause = cause
    this.path = []
  }

  /** This fault as the container sees it, in its child `key`. */
  under(key: string | number): this {
    this.path.unshift(key)
    return this
  }
}

/** How many keys of `path` lead to the first object that contains itself; `undefined` when there is none. */
function cycle(root: unknown, path: readonly (string | number)[]): number | undefined {
  const seen = new Set<unknown>([root])
  let value = root
  for (let length = 0; length < path.length; length++) {
    value = (value as Record<string | number, unknown>)[path[length] as string | number]
    if (seen.has(value)) return length + 1
    seen.add(value)
  }
  return undefined
}

const IDENTIFIER = /^[A-Za-z_$][\w$]{0,63}$/

function pathText(path: readonly (string | number)[]): string {
  let text = '$'
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`
    else
      text += IDENTIFIER.test(key) ? `.${key}` : `[${JSON.stringify(key.length > 64 ? `${key.slice(0, 64)}…` : key)}]`
  }
  return text
}

/** What a refused value is, for an error: `a Map`, `a symbol`, `an object of class Order`. */
export function describe(value: unknown): string {
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return 'a string with half a surrogate pair'
  if (typeof value !== 'object' || value === null) return value === undefined ? 'undefined' : `a ${typeof value}`
  const name = className(value)
  return name === '' ? 'an object of an unnamed class' : `an object of class ${name}`
}

function className(value: object): string {
  const maker: unknown = (Object.getPrototypeOf(value) as { constructor?: unknown } | null)?.constructor
  return typeof maker === 'function' ? maker.name : ''
}
