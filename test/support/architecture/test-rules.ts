import { importsOf } from './imports.js'
import { globalRead } from './global-rules.js'
import { violation, walk, type Rule } from './source-file.js'

const MAX_WORDS = 10

function isSpec(path: string): boolean {
  return path.startsWith('marbles/') || path.startsWith('test/')
}

/** Titles are read in a report, where they are facts about what `describe` names. */
export const shortTitles: Rule = {
  title: `titles of tests have at most ${MAX_WORDS} words`,
  check: files =>
    files
      .filter(({ path }) => isSpec(path))
      .flatMap(file => {
        const found: ReturnType<typeof violation>[] = []
        walk(file, node => {
          if (node.type !== 'CallExpression' || !/^(it|test)\b/.test(file.source.slice(node.start, node.end))) return
          const [title] = node.arguments
          if (title?.type !== 'Literal' || typeof title.value !== 'string') return
          const words = title.value.split(/\s+/).length
          if (words > MAX_WORDS) found.push(violation(file, title, `${words} words: ${title.value}`))
        })
        return found
      }),
}

/** Tests wait for what they want to see, not for a while. Support files may have a deadline for that. */
export const noSleeps: Rule = {
  title: 'tests do not sleep',
  check: files =>
    files
      .filter(({ path }) => isSpec(path) && !path.startsWith('test/support/'))
      .flatMap(file => {
        const found = importsOf(file)
          .filter(({ specifier }) => /^(node:)?timers\/promises$/.test(specifier))
          .map(({ node, specifier }) => violation(file, node, specifier))
        walk(file, (node, parents) => {
          const name = globalRead(node, parents)?.name
          const inPromise = parents.some(({ type }) => type === 'NewExpression')
          if (name === 'setTimeout' && inPromise) found.push(violation(file, node, 'a sleep; wait for a condition'))
        })
        return found
      }),
}

/** What is tested is what is shipped. */
export const noMocks: Rule = {
  title: 'tests do not replace modules',
  check: files =>
    files
      .filter(({ path }) => isSpec(path))
      .flatMap(file => {
        const found: ReturnType<typeof violation>[] = []
        walk(file, node => {
          const text = node.type === 'MemberExpression' ? file.source.slice(node.start, node.end) : ''
          if (/^vi\s*\.\s*(mock|doMock|hoisted|stubGlobal)$/.test(text)) found.push(violation(file, node, text))
        })
        return found
      }),
}
