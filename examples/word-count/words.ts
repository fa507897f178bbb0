const WORD = /[\p{L}\p{N}]+/gu

/** The words of a line, in order; each lower-cased by itself, so that its neighbours cannot change it (Greek sigma). */
export function wordsOf(line: string): string[] {
  const words = line.match(WORD) ?? []
  return words.map(word => word.toLowerCase())
}
