import type { Node } from 'oxc-parser'
import { importsOf, type Import } from './imports.js'
import { globalRead } from './global-rules.js'
import { violation, walk, type Rule, type SourceFile } from './source-file.js'

/** Packages that work in a browser too. */
const portable = new Set(['rxjs', 'fp-ts', 'msgpackr'])

/** Packages of types only. */
const typesOnly = new Set(['@standard-schema/spec'])

/** Entry points that only Node can load: implementations on a Node API or a Node package. File or folder. */
const nodeEntryPoints: readonly string[] = [
  'src/transport/tcp',
  'src/transport/tls',
  'src/transport/unix',
  'src/transport/websocket',
  'src/transport/nats',
  'src/registry/mdns',
  'src/registry/etcd',
  'src/broker/nats',
  'src/broker/jetstream',
  'src/testing', // what runs tests
  'src/testing/simulator',
  'src/testing/compliance',
]

/** Entry points beside those of Node, for browsers. */
const browserEntryPoints: ReadonlySet<string> = new Set(['src/transport/websocket/browser.ts'])

/** The portable part stays portable: it imports nothing that a browser lacks. */
export const nodeApart: Rule = {
  title: 'only Node entry points import Node APIs and their packages',
  check: files => {
    const why = portableBecause(files)
    return files.flatMap(file =>
      importsOf(file).flatMap(each => {
        const because = why(file.path)
        if (because === undefined || isPortable(each)) return []
        return [violation(file, each.node, `${each.specifier} is not portable, but ${because}`)]
      }),
    )
  },
}

/** The portable part names no global that only Node has, unless it asks first whether it is there. */
export const portableGlobals: Rule = {
  title: 'only Node entry points use globals of Node',
  check: files => {
    const why = portableBecause(files)
    return files.flatMap(file => {
      const because = why(file.path)
      if (because === undefined) return []
      const found: [name: string, start: number][] = []
      const guarded = new Set<string>()
      walk(file, (node, parents) => {
        const name = globalRead(node, parents)?.name
        if (name === undefined || !nodeGlobals.has(name)) return
        if (isGuard(node, parents)) guarded.add(name)
        else found.push([name, node.start])
      })
      return found
        .filter(([name]) => !guarded.has(name))
        .map(([name, start]) => violation(file, { start }, `${name} is not in a browser, but ${because}`))
    })
  },
}

/** Whether this mention asks if the global is there, or takes it from globalThis, which gives `undefined` at worst. */
function isGuard(node: Node, [parent, grand]: readonly Node[]): boolean {
  if (parent?.type === 'UnaryExpression') return parent.operator === 'typeof'
  if (parent?.type === 'Property') return grand?.type === 'ObjectPattern'
  return parent?.type === 'VariableDeclarator' && parent.id === node
}

const nodeGlobals = new Set(['process', 'Buffer', 'require', '__dirname', '__filename', 'global'])

function isPortable({ specifier, target, typeOnly }: Import): boolean {
  if (target !== undefined) return true // judged where it leaves our files
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
  return portable.has(name) || (typesOnly.has(name) && typeOnly)
}

/**
 * Why a file must be portable: an entry point that is not of Node leads to it, or none of Node does.
 * `undefined` when only Node loads it.
 */
function portableBecause(files: readonly SourceFile[]): (path: string) => string | undefined {
  const ofNode = reachable(files, isNodeEntryPoint)
  const ofAll = reachable(files, isPortableEntryPoint)
  return path => {
    const trail = ofAll.get(path)
    if (trail !== undefined) return `${trail.join(' → ')} is portable`
    return ofNode.has(path) ? undefined : 'no Node entry point leads to this file'
  }
}

function isPortableEntryPoint(path: string): boolean {
  return browserEntryPoints.has(path) || (path.endsWith('/index.ts') && !isNodeEntryPoint(path))
}

function isNodeEntryPoint(path: string): boolean {
  return nodeEntryPoints.some(entry => path === `${entry}.ts` || path === `${entry}/index.ts`)
}

/** The files that the ones accepted by `isStart` import, and those that these import, each with a way to it. */
function reachable(
  files: readonly SourceFile[],
  isStart: (path: string) => boolean,
): ReadonlyMap<string, readonly string[]> {
  const byPath = new Map(files.map(file => [file.path, file]))
  const trails = new Map<string, readonly string[]>()
  const visit = (path: string, from: readonly string[]): void => {
    const file = byPath.get(path)
    if (file === undefined || trails.has(path)) return
    const trail = [...from, path]
    trails.set(path, trail)
    for (const { target } of importsOf(file)) if (target !== undefined) visit(target, trail)
  }
  for (const { path } of files) if (isStart(path)) visit(path, [])
  return trails
}
