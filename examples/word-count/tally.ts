import type { WordCount } from './contracts.js'

/** Counts of words. */
export class Tally {
  /** All words added, each time they came. */
  words = 0
  private readonly counts = new Map<string, number>()

  /** How many different words there are. */
  get distinct(): number {
    return this.counts.size
  }

  /** Adds words. */
  add(words: readonly string[]): void {
    this.words += words.length
    for (const word of words) {
      const count = this.counts.get(word)
      // A word may be a slice that keeps the whole message in memory; the one that stays here is a copy.
      if (count === undefined) this.counts.set(Buffer.from(word).toString(), 1)
      else this.counts.set(word, count + 1)
    }
  }

  /** The `n` most frequent words; equally frequent ones by code point. */
  top(n: number): WordCount[] {
    const top: WordCount[] = []
    for (const entry of this.counts) {
      const last = top[n - 1]
      if (last !== undefined && !precedes(entry, last)) continue
      const place = top.findIndex(other => precedes(entry, other))
      top.splice(place < 0 ? top.length : place, 0, entry)
      if (top.length > n) top.pop()
    }
    return top
  }
}

function precedes([word, count]: WordCount, [otherWord, otherCount]: WordCount): boolean {
  return count === otherCount ? isLessByCodePoint(word, otherWord) : count > otherCount
}

/** `<` compares code units, which puts U+FF21 behind U+10400, whose first unit is U+D801. */
function isLessByCodePoint(a: string, b: string): boolean {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) {
    // Where the first difference is a second surrogate, the first ones are equal, so units compare as code points do.
    if (a.charCodeAt(at) !== b.charCodeAt(at)) return codePoint(a, at) < codePoint(b, at)
  }
  return a.length < b.length
}

function codePoint(text: string, at: number): number {
  return text.codePointAt(at) ?? 0
}
