import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import vm from 'node:vm'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fencedFiles } from './support/fenced-files.js'

const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly exports: Readonly<Record<string, unknown>>
  readonly devDependencies: Readonly<Record<string, string>>
}
const entryPoints = Object.keys(manifest.exports)
  .filter(path => !path.endsWith('.json'))
  .map(path => `millrace${path.slice(1)}`)
const README = 'README.md'

let folder = ''
let packed: readonly string[] = []

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-package-'))
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
  const [{ filename, files }] = JSON.parse(run('npm', pack, '.')) as [
    { readonly filename: string; readonly files: readonly { readonly path: string }[] },
  ]
  packed = files.map(({ path }) => path)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  const quickly = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts']
  const packages = [`./${filename}`, `rxjs@${manifest.devDependencies['rxjs']}`]
  inFolder('npm', ['install', ...quickly, ...packages])
}, 120_000)

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

describe('tarball', () => {
  it('holds dist, README, LICENSE, CHANGELOG and package.json', () => {
    const others = packed.filter(path => !path.startsWith('dist/'))

    const wanted = ['CHANGELOG.md', 'LICENSE', README, 'package.json']
    expect(others.toSorted()).toEqual(wanted.filter(path => path !== README || existsSync(README)))
  })

  it('holds declarations and maps beside every module', () => {
    const modules = packed.filter(path => path.endsWith('.js'))

    const missing = modules
      .flatMap(path => [path.replace(/\.js$/, '.d.ts'), `${path}.map`, path.replace(/\.js$/, '.d.ts.map')])
      .filter(path => !packed.includes(path))
    expect(modules).not.toEqual([])
    expect(missing).toEqual([])
  })
})

describe('installed package', () => {
  it('can be imported by every entry point', () => {
    const outcomes = JSON.parse(runModule(IMPORT_EACH)) as Readonly<Record<string, unknown>>

    expect(outcomes).toEqual(Object.fromEntries(entryPoints.map(entryPoint => [entryPoint, 'imported'])))
  })

  it('loads no network module of Node, and no optional package', () => {
    const loaded = JSON.parse(runModule(LOADED_BY_IMPORT)) as readonly string[]

    expect(loaded.filter(isUnwanted)).toEqual([])
    expect(loaded.some(name => name.includes('rxjs'))).toBe(true)
  })

  it('is seen to load them where they belong', () => {
    const loaded = JSON.parse(runModule(LOADED_BY_IMPORT.replace("'millrace'", "'millrace/transport/tcp'"))) as string[]

    expect(loaded.filter(isUnwanted)).toContain('net')
  })

  it('runs in a browser', async () => {
    const entry = join(folder, 'browser.js')
    writeFileSync(entry, "export * from 'millrace'")

    const { metafile, outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      platform: 'browser',
      format: 'iife',
      globalName: 'millrace',
      metafile: true,
      write: false,
      logLevel: 'silent',
    })

    const inputs = Object.keys(metafile.inputs)
    const imports = Object.values(metafile.inputs).flatMap(({ imports }) => imports.map(({ path }) => path))
    expect(inputs.filter(path => /node_modules\/(etcd3|nats|multicast-dns)\//.test(path))).toEqual([])
    expect([...inputs, ...imports].filter(path => /^(node:|\(disabled\))/.test(path))).toEqual([])
    const names = vm.runInNewContext(`${outputFiles[0]?.text}; Object.keys(millrace)`, browserGlobals()) as string[]
    expect(names).toContain('RpcError')
  })
})

describe(README, () => {
  it.skipIf(!existsSync(README))('has a program that compiles and runs as it stands', () => {
    // Its test is run where the tests of docs/testing.md are.
    const files = fencedFiles(readFileSync(README, 'utf8')).filter(({ name }) => !name.endsWith('.spec.ts'))
    expect(files, 'no block marked ```ts file=main.ts').not.toEqual([])
    for (const { name, text } of files) writeFileSync(join(folder, name), text)
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(STRICT))

    inFolder(process.execPath, [tsc, '-p', '.'])
    const output = inFolder(process.execPath, ['out/main.js'])

    expect(output).not.toBe('')
  })
})

/** As strict as a reader's project may be; without types of Node, which would bring newer libraries, he has the browser's. */
const STRICT = {
  compilerOptions: {
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    verbatimModuleSyntax: true,
    module: 'nodenext',
    target: 'es2022',
    types: [],
    skipLibCheck: false,
    rootDir: '.',
    outDir: 'out',
  },
  include: ['*.ts'],
}

/** Imports every entry point and prints how that went. */
const IMPORT_EACH = `
  const outcomes = {}
  for (const entryPoint of ${JSON.stringify(entryPoints)}) {
    const names = import(entryPoint).then(Object.keys)
    outcomes[entryPoint] = await names.then(all => all.length > 0 ? 'imported' : 'is empty', String)
  }
  console.log(JSON.stringify(outcomes))`

/** Prints what an import has loaded: built-in modules by name, others by file. Nothing is written before that. */
const LOADED_BY_IMPORT = `
  import module, { createRequire } from 'node:module'
  const builtIns = () => process.moduleLoadList.map(name => name.split(' ').at(-1))
  const before = new Set(builtIns())
  await import('millrace')
  const loaded = builtIns().filter(name => !before.has(name))
  console.log(JSON.stringify([...loaded, ...Object.keys(createRequire(import.meta.url).cache)]))`

function isUnwanted(name: string): boolean {
  return /^(net|tls|dgram|http2?|https|dns|child_process|cluster)$|node_modules\/(etcd3|nats|multicast-dns)\//.test(
    name,
  )
}

/** What a page has of the platform; neither `process` nor `Buffer`. */
function browserGlobals(): object {
  const names = ['crypto', 'performance', 'console', 'queueMicrotask', 'setTimeout', 'setInterval', 'clearTimeout']
  names.push('clearInterval', 'TextEncoder', 'TextDecoder', 'AbortController', 'AbortSignal', 'MessageChannel', 'URL')
  return Object.fromEntries(names.map(name => [name, globalThis[name as keyof typeof globalThis]]))
}

function runModule(code: string): string {
  return inFolder(process.execPath, ['--input-type=module', '--eval', code])
}

/** Runs a program in the folder where the package is installed. */
function inFolder(program: string, args: readonly string[]): string {
  return run(program, args, resolve(folder))
}

/** What a program printed; throws what it complained of when it fails. */
function run(program: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8', timeout: 100_000 })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}${stderr}`)
  return stdout
}
