/** A file of a document: the text of a block that is fenced as three backticks and `ts file=<name>`. */
export interface FencedFile {
  readonly name: string
  readonly text: string
}

const BLOCK = /^```ts file=(\S+)\n(.*?)^```$/gms

/** The files that `markdown` shows, in its order: blocks marked `ts file=<name>`; others are only to be read. */
export function fencedFiles(markdown: string): readonly FencedFile[] {
  return [...markdown.matchAll(BLOCK)].map(([, name = '', text = '']) => ({ name, text }))
}
