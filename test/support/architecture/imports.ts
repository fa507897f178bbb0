import { posix } from 'node:path'
import type { Node } from 'oxc-parser'
import { walk, type SourceFile } from './source-file.js'

/** One import of a file: `import`, `export … from`, `import()` or `import('…')` in a type. */
export interface Import {
  /** As it is written. */
  readonly specifier: string
  /** Path of the file that is meant, for relative imports. */
  readonly target: string | undefined
  /** Imported names; empty for `*`, a default, or a bare import. */
  readonly names: readonly string[]
  /** Whether nothing is left of it at run time. */
  readonly typeOnly: boolean
  /** Where it is. */
  readonly node: Node
}

/** Every import of `file`, types included. */
export function importsOf(file: SourceFile): readonly Import[] {
  const imports: Import[] = []
  walk(file, node => {
    const found = readImport(node)
    if (found === undefined) return
    imports.push({ ...found, node, target: resolve(file.path, found.specifier) })
  })
  return imports
}

function readImport(node: Node): Pick<Import, 'specifier' | 'names' | 'typeOnly'> | undefined {
  switch (node.type) {
    case 'ImportDeclaration': {
      const names = node.specifiers.flatMap(each => (each.type === 'ImportSpecifier' ? [nameOf(each.imported)] : []))
      const typeOnly =
        node.importKind === 'type' ||
        (node.specifiers.length > 0 &&
          node.specifiers.every(each => each.type === 'ImportSpecifier' && each.importKind === 'type'))
      return { specifier: node.source.value, names, typeOnly }
    }
    case 'ExportNamedDeclaration': {
      if (node.source === null) return undefined
      const names = node.specifiers.map(each => nameOf(each.local))
      return { specifier: node.source.value, names, typeOnly: node.exportKind === 'type' }
    }
    case 'ExportAllDeclaration':
      return { specifier: node.source.value, names: [], typeOnly: node.exportKind === 'type' }
    case 'TSImportType':
      return { specifier: node.source.value, names: [], typeOnly: true }
    case 'ImportExpression':
      return node.source.type === 'Literal' && typeof node.source.value === 'string'
        ? { specifier: node.source.value, names: [], typeOnly: false }
        : undefined
    default:
      return undefined
  }
}

function nameOf(name: { readonly type: string; readonly name?: string; readonly value?: unknown }): string {
  return name.type === 'Identifier' ? String(name.name) : String(name.value)
}

function resolve(path: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  return posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts')
}
