/** A link of a document. */
export interface MarkdownLink {
  /** What it points to, as it is written: a path from the document, an anchor, or both. */
  readonly target: string
  /** The line it is on, from 1. */
  readonly line: number
}

const LINK = /\]\(<?([^()\s>]*(?:\([^()\s]*\))?[^()\s>]*)>?(?:\s+"[^"]*")?\)|^\[[^\]]+\]:\s+(\S+)/g
const HEADING = /^#{1,6}\s+(.*?)\s*#*$/

/** The links of `markdown` within the repository, in its order: inline ones, images and definitions of references. */
export function relativeLinks(markdown: string): readonly MarkdownLink[] {
  return prose(markdown).flatMap((text, index) =>
    [...withoutCode(text).matchAll(LINK)]
      .map(([, inline, reference]) => ({ target: inline ?? reference ?? '', line: index + 1 }))
      .filter(({ target }) => !/^[a-z][a-z\d+.-]*:|^\/\//i.test(target)),
  )
}

/** The anchors of the headings of `markdown`, as GitHub names them. */
export function anchorsOf(markdown: string): ReadonlySet<string> {
  const seen = new Map<string, number>()
  const anchors = prose(markdown).flatMap(text => {
    const heading = HEADING.exec(text)?.[1]
    if (heading === undefined) return []
    const anchor = slug(heading)
    const count = seen.get(anchor) ?? 0
    seen.set(anchor, count + 1)
    return [count === 0 ? anchor : `${anchor}-${count}`]
  })
  return new Set(anchors)
}

/** The lines of a document, those of fenced blocks emptied, for they are not markdown. */
function prose(markdown: string): readonly string[] {
  let fence: string | undefined
  return markdown.split('\n').map(text => {
    const mark = /^\s*(`{3,}|~{3,})/.exec(text)?.[1]
    if (fence === undefined) {
      fence = mark
      return mark === undefined ? text : ''
    }
    if (mark?.startsWith(fence) === true && text.trim() === mark) fence = undefined
    return ''
  })
}

function withoutCode(text: string): string {
  return text.replace(/(`+)[^`].*?\1/g, '')
}

function slug(heading: string): string {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-')
}
