import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

interface Locked {
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

describe('package-lock.json', () => {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    readonly packages: Readonly<Record<string, Locked>>
  }

  // npm leaves out what it could not find for other platforms, and then `npm ci` refuses the file.
  it('has the optional dependencies of every platform', () => {
    const wanted = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).map(name => ({ name, path })),
    )

    const missing = wanted.filter(({ name, path }) => !isLocked(name, path))
    expect(wanted.length).toBeGreaterThan(50)
    expect(missing).toEqual([])
  })

  it('names no registry', () => {
    expect(readFileSync('package-lock.json', 'utf8')).not.toContain('"resolved"')
  })

  /** Whether `name` is found from `path` as Node finds it: there, or in a folder above. */
  function isLocked(name: string, path: string): boolean {
    if (packages[path === '' ? `node_modules/${name}` : `${path}/node_modules/${name}`] !== undefined) return true
    return path !== '' && isLocked(name, path.slice(0, Math.max(0, path.lastIndexOf('/node_modules/'))))
  }
})
