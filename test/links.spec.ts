import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { anchorsOf, relativeLinks } from './support/markdown-links.js'

const folders = ['docs', 'src', 'test', 'marbles', 'bench', 'examples'].filter(folder => existsSync(folder))
const documents = ['.', ...folders].flatMap(documentsIn)

describe('documents', () => {
  it('are many', () => {
    expect(documents.length).toBeGreaterThan(20)
    expect(documents.flatMap(document => relativeLinks(read(document))).length).toBeGreaterThan(100)
  })

  it.each(documents)('have links that lead somewhere: %s', document => {
    expect(brokenLinks(document, read(document))).toEqual([])
  })
})

describe('brokenLinks', () => {
  it('reports files and anchors that are not there', () => {
    const text = '# A\n[a](#a) [b](#b)\n![c](docs/c.png)\n[d](docs)\n\n[e]: README.md#e\n'

    expect(brokenLinks('README.md', text)).toEqual([
      'README.md:2 #b: no such heading',
      'README.md:3 docs/c.png: no such file',
      'README.md:6 README.md#e: no such heading',
    ])
  })
})

describe('relativeLinks', () => {
  it('finds links in prose, on their lines', () => {
    const text = 'a [b](c.md) ![d](e.png "title")\n\n[f](<g.md>) `[h](i)`\n```md\n[j](k)\n```\n\n[l]: m.md\n'

    expect(relativeLinks(text)).toEqual([
      { target: 'c.md', line: 1 },
      { target: 'e.png', line: 1 },
      { target: 'g.md', line: 3 },
      { target: 'm.md', line: 8 },
    ])
  })

  it('leaves out what is elsewhere', () => {
    expect(relativeLinks('[a](https://a.example/b) [c](mailto:d@e.example)')).toEqual([])
  })
})

describe('anchorsOf', () => {
  it('names headings as GitHub does', () => {
    const text = '# A `b_c` — d!\n## A [link](x.md)\n## Same\n## same\n```sh\n# comment\n```\n'

    expect([...anchorsOf(text)]).toEqual(['a-b_c--d', 'a-link', 'same', 'same-1'])
  })
})

/** What the links of a document point to in vain. */
function brokenLinks(document: string, text: string): readonly string[] {
  return relativeLinks(text).flatMap(({ target, line }) => {
    const [path = '', anchor] = target.split('#')
    const file = path === '' ? document : join(dirname(document), decodeURI(path))
    const fault = faultOf(file, anchor, path === '' ? text : undefined)
    return fault === undefined ? [] : [`${document}:${line} ${target}: ${fault}`]
  })
}

function faultOf(file: string, anchor: string | undefined, text: string | undefined): string | undefined {
  if (!existsSync(file)) return 'no such file'
  if (anchor === undefined) return undefined
  if (!file.endsWith('.md') || statSync(file).isDirectory()) return 'only documents have headings'
  return anchorsOf(text ?? read(file)).has(decodeURI(anchor)) ? undefined : 'no such heading'
}

/** The documents in a folder and below it; of the root only its own, for the packages are below it too. */
function documentsIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: folder !== '.', encoding: 'utf8' })
    .filter(name => name.endsWith('.md'))
    .map(name => join(folder, name))
    .toSorted()
}

function read(document: string): string {
  return readFileSync(document, 'utf8')
}
