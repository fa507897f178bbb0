import { parseSync, visitorKeys } from 'oxc-parser'
import type { Comment, Node, Program } from 'oxc-parser'

/** A file as text, with its path from the root of the repository. */
export interface SourceFile {
  readonly path: string
  readonly source: string
}

/** A place where a rule is broken. */
export interface Violation {
  readonly path: string
  readonly line: number
  readonly message: string
}

/** A rule of the house: pure, so that it can be shown to fail. */
export interface Rule {
  /** What holds, in present tense. */
  readonly title: string
  /** Every place in `files` where it does not. */
  check(files: readonly SourceFile[]): readonly Violation[]
}

interface Parsed {
  readonly program: Program
  readonly comments: readonly Comment[]
}

const parsed = new WeakMap<SourceFile, Parsed>()

/** The syntax tree of a file; it must parse. */
export function parse(file: SourceFile): Parsed {
  const known = parsed.get(file)
  if (known !== undefined) return known
  const { program, comments, errors } = parseSync(file.path, file.source)
  if (errors.length > 0) throw new Error(`${file.path} does not parse: ${errors[0]?.message}`)
  const result = { program, comments }
  parsed.set(file, result)
  return result
}

/** Calls `visit` for every node of the file, parents first, with the parents from the nearest outwards. */
export function walk(file: SourceFile, visit: (node: Node, parents: readonly Node[]) => void): void {
  const descend = (node: Node, parents: readonly Node[]): void => {
    visit(node, parents)
    const inner = [node, ...parents]
    const children = node as unknown as Record<string, Node | null | readonly (Node | null)[]>
    for (const key of visitorKeys[node.type] ?? []) {
      const child = children[key]
      for (const each of Array.isArray(child) ? (child as readonly (Node | null)[]) : [child as Node | null]) {
        if (each) descend(each, inner)
      }
    }
  }
  descend(parse(file).program, [])
}

/** A violation at `node`. */
export function violation(file: SourceFile, node: { readonly start: number }, message: string): Violation {
  return { path: file.path, line: file.source.slice(0, node.start).split('\n').length, message }
}
