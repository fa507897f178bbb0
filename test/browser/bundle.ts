import { build, type Metafile } from 'esbuild'

/** A program for browsers, and the files that are in it. */
export interface Bundle {
  readonly text: string
  readonly files: readonly string[]
  /** What is imported and not in it. */
  readonly missing: readonly string[]
}

/** Bundles a program as its users would for a browser. */
export async function bundleForBrowser(path: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    entryPoints: [path],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    // A build of users fails on them; here they are told.
    external: ['node:*', 'ws'],
    metafile: true,
    write: false,
  })
  const [output] = Object.values<Metafile['outputs'][string]>(metafile.outputs)
  return {
    text: outputFiles[0]?.text ?? '',
    files: Object.entries(output?.inputs ?? {})
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([file]) => file),
    missing: output?.imports.map(({ path: name }) => name) ?? [],
  }
}
