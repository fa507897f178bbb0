/** Makes the method called `name`. */
export type MakeMethod = (name: string) => unknown

const MAKE = Symbol('make')
const MADE = Symbol('made')

interface Lazy {
  readonly [MAKE]: MakeMethod
  readonly [MADE]: Map<string, unknown>
}

/**
 * Gives a constructor of objects that have a method for each name, made when it is first read and then kept; those of
 * `hidden` are not listed. So a stub that is derived for one call costs one method and not as many as there are
 * endpoints; and methods need no `this`.
 */
export function lazyMethods(names: readonly string[], hidden: readonly string[] = []): (make: MakeMethod) => object {
  const prototype: object = Object.create(null)
  for (const name of [...names, ...hidden]) {
    Object.defineProperty(prototype, name, {
      enumerable: !hidden.includes(name),
      get(this: Lazy): unknown {
        const made = this[MADE]
        let method = made.get(name)
        if (method === undefined) {
          method = this[MAKE](name)
          made.set(name, method)
        }
        return method
      },
    })
  }
  return make => {
    const object = Object.create(prototype) as { [MAKE]: MakeMethod; [MADE]: Map<string, unknown> }
    object[MAKE] = make
    object[MADE] = new Map()
    return object
  }
}
