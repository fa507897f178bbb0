import { allowed, areaOf, areas, entryPoints, localActors, seams, unitOf, type Area } from './areas.js'
import { importsOf, type Import } from './imports.js'
import { parse, violation, type Rule, type SourceFile, type Violation } from './source-file.js'

/** Every import of every file of `src` that `judge` objects to. */
function eachImport(
  files: readonly SourceFile[],
  judge: (each: Import, file: SourceFile) => string | undefined,
): readonly Violation[] {
  return files.flatMap(file =>
    importsOf(file).flatMap(each => {
      const message = judge(each, file)
      return message === undefined ? [] : [violation(file, each.node, `${each.specifier}: ${message}`)]
    }),
  )
}

/** Areas import only areas to their left. */
export const importDirection: Rule = {
  title: 'areas import only the areas before them',
  check: files =>
    eachImport(files, ({ target, typeOnly }, file) => {
      if (target === undefined) return undefined
      if (!target.startsWith('src/')) return 'leaves src'
      const from = areaOf(file.path)
      const to = areaOf(target)
      if (from === undefined || from === to) return undefined
      if (to === undefined) return `${from} imports the root barrel`
      if (!before(from).includes(to)) return `${from} must not know ${to}, only ${before(from).join(', ') || 'itself'}`
      if (from === 'selector' && to === 'registry' && !typeOnly) return 'selector takes only types of registry'
      if (from === 'actors' && isLocal(file.path) && areas.indexOf(to) > areas.indexOf('streams')) {
        return `the local part of actors must not know ${to}`
      }
      return undefined
    }),
}

function before(area: Area): readonly Area[] {
  return allowed[area] ?? areas.slice(0, areas.indexOf(area))
}

function isLocal(path: string): boolean {
  return localActors.has(path.split('/')[2]?.replace(/\.ts$/, '') ?? '')
}

/** No file imports itself by way of others, types included. */
export const noCycles: Rule = {
  title: 'imports have no cycles',
  check: files => {
    const byPath = new Map(files.map(file => [file.path, file]))
    const done = new Set<string>()
    const found: Violation[] = []
    const visit = (file: SourceFile, trail: readonly string[]): void => {
      if (done.has(file.path)) return
      for (const { target, node } of importsOf(file)) {
        const next = target === undefined ? undefined : byPath.get(target)
        if (next === undefined) continue
        const path = [...trail, file.path]
        const start = path.indexOf(next.path)
        if (start >= 0) found.push(violation(file, node, [...path.slice(start), next.path].join(' → ')))
        else visit(next, path)
      }
      done.add(file.path)
    }
    for (const file of files) visit(file, [])
    return found
  },
}

/** What an area has is reached as users reach it, and its barrel is for others. */
export const barrels: Rule = {
  title: 'areas are imported by their entry points, never by the own barrel',
  check: files =>
    eachImport(files, ({ target }, file) => {
      const to = target === undefined ? undefined : areaOf(target)
      if (target === undefined || to === undefined) return undefined
      const isBarrel = target === `src/${to}/index.ts`
      if (areaOf(file.path) !== to) return isBarrel || entryPoints.has(target) ? undefined : `use ${to}/index.js`
      if (isBarrel || (target.endsWith('/index.ts') && inside(file.path, target))) return 'is the own barrel'
      return undefined
    }),
}

/** Whether `path` is in the folder that `barrel` stands for. */
function inside(path: string, barrel: string): boolean {
  return path.startsWith(barrel.slice(0, -'index.ts'.length))
}

/** Files that put implementations together, which is what they are for. */
const assemblies: ReadonlyMap<string, string> = new Map([
  ['src/selector/default-selector.ts', 'the composition that a client uses when it is given no other'],
])

/** Files and folders whose functions give the type of a seam, but are what its implementations are made with. */
const parts: ReadonlyMap<string, string> = new Map([
  ['src/selector/strategy.ts', 'makes a selector of a function, for every strategy'],
  ['src/selector/load-strategy.ts', 'makes a selector of rules about load, for every strategy that goes by load'],
  ['src/selector/keep-nodes.ts', 'makes a filter of a predicate, for every filter'],
  ['src/broker/durable', 'makes a broker of a log of messages, for every such log'],
  ['src/registry/leased', 'makes a registry of a store with leases, for every such store'],
])

/** Implementations of a seam can be removed one by one. */
export const implementationsApart: Rule = {
  title: 'implementations of a seam never import each other',
  check: files => {
    const implementations = new Set(files.filter(isImplementation).map(({ path }) => unitOf(path)))
    return eachImport(files, ({ target }, { path }) => {
      if (target === undefined || path.endsWith('/index.ts') || assemblies.has(path)) return undefined
      const [from, to] = [unitOf(path), unitOf(target)]
      const apart = from === to || areaOf(path) !== areaOf(target) || !implementations.has(to)
      if (apart) return undefined
      return implementations.has(from)
        ? 'is another implementation'
        : 'is an implementation, the interface must not know it'
    })
  },
}

/**
 * A file is an implementation when it exports a factory whose declared type is that of its seam; so is everything in a
 * sub-folder.
 */
function isImplementation(file: SourceFile): boolean {
  const area = areaOf(file.path)
  const seam = area === undefined ? undefined : seams.get(area)
  if (area === undefined || seam === undefined || file.path === `src/${area}/index.ts`) return false
  if (parts.has(unitOf(file.path))) return false
  return unitOf(file.path) !== file.path || declaredTypes(file).some(type => seam.test(type))
}

/** The types that the exported functions of a file return and its exported constants have, as text. */
function declaredTypes(file: SourceFile): readonly string[] {
  const text = (node: { readonly start: number; readonly end: number } | null | undefined): string =>
    node ? file.source.slice(node.start, node.end) : ''
  return parse(file).program.body.flatMap(statement => {
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : null
    if (declaration?.type === 'FunctionDeclaration' || declaration?.type === 'TSDeclareFunction') {
      return [text(declaration.returnType)]
    }
    if (declaration?.type !== 'VariableDeclaration') return []
    return declaration.declarations.map(({ id }) => text('typeAnnotation' in id ? id.typeAnnotation : null))
  })
}

/** Packages are imported in the one form that works everywhere. */
export const packageForms: Rule = {
  title: 'packages are imported in their portable forms',
  check: files =>
    eachImport(files, ({ specifier, target }, { path }) => {
      if (target !== undefined) return specifier.endsWith('.js') ? undefined : 'relative imports end in .js'
      if (specifier === 'msgpackr') return 'its Node entry loads node:net; write msgpackr/pack'
      if (specifier.startsWith('rxjs/')) {
        const ofTheKit = path.startsWith('src/testing/') && specifier === 'rxjs/testing'
        return ofTheKit ? undefined : "rxjs is imported from 'rxjs' only"
      }
      if (/^fp-ts\b/.test(specifier) && !/^fp-ts\/lib\/\w+\.js$/.test(specifier)) {
        return 'Node cannot import directories; write fp-ts/lib/Either.js'
      }
      return undefined
    }),
}
