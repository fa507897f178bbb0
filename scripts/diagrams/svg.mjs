// SVG as text: elements, words, and how wide words are.
import { styleOf } from './palette.mjs'

/** Width of a character of the 12 px monospace font; a little too wide for most fonts, so that nothing overlaps. */
const CHARACTER = 7.3
/** The same of the 14 px title, which is of a proportional font. */
const TITLE_CHARACTER = 8.2
const MARGIN = 16

/**
 * @typedef {object} Drawing Something drawn from 0, 0.
 * @property {number} width
 * @property {number} height
 * @property {readonly string[]} elements
 */

/**
 * An element. Attributes that are `undefined` are left out; numbers have at most one decimal.
 *
 * @param {string} name
 * @param {Readonly<Record<string, string | number | undefined>>} attributes
 * @param {string} [content] Text or elements, escaped already.
 * @returns {string}
 */
export function element(name, attributes, content) {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? short(value) : escaped(String(value))}"`)
    .join('')
  return content === undefined ? `<${name}${written}/>` : `<${name}${written}>${content}</${name}>`
}

/**
 * A line of text; `y` is its base line.
 *
 * @param {number} x
 * @param {number} y
 * @param {string} words
 * @param {string} [classes]
 */
export function text(x, y, words, classes) {
  return element(
    'text',
    { x, y, class: classes, 'xml:space': words.includes('  ') ? 'preserve' : undefined },
    escaped(words),
  )
}

/**
 * A straight line.
 *
 * @param {readonly [x: number, y: number]} from
 * @param {readonly [x: number, y: number]} to
 * @param {string} classes
 */
export function line([x1, y1], [x2, y2], classes) {
  return element('line', { x1, y1, x2, y2, class: classes })
}

/**
 * Upright lines of one length.
 *
 * @param {readonly number[]} xs
 * @param {number} from
 * @param {number} to
 * @param {string} classes
 */
export function upright(xs, from, to, classes) {
  return element('path', { d: xs.map(x => `M${short(x)} ${short(from)}V${short(to)}`).join(''), class: classes })
}

/**
 * Moves what was drawn from 0, 0.
 *
 * @param {readonly string[]} elements
 * @param {number} x
 * @param {number} y
 */
export function moved(elements, x, y) {
  return element('g', { transform: `translate(${short(x)} ${short(y)})` }, `\n${elements.join('\n')}\n`)
}

/**
 * How wide a line of `words` is at most, px.
 *
 * @param {string} words
 */
export function widthOf(words) {
  return words.length * CHARACTER
}

/**
 * `words` cut to `count` characters.
 *
 * @param {string} words
 * @param {number} count
 */
export function cut(words, count) {
  return words.length > count ? `${words.slice(0, count - 1)}…` : words
}

/**
 * Breaks `words` at spaces into lines of at most `width` px, at no-break spaces only where it must; the last of `most`
 * lines ends in an ellipsis if there are more.
 *
 * @param {string} words
 * @param {number} width
 * @param {number} most
 */
export function wrapped(words, width, most) {
  const room = Math.max(8, Math.floor(width / CHARACTER))
  /** @type {string[]} */
  const lines = []
  for (const word of words.split(' ').flatMap(word => (word.length > room ? word.split('\u00a0') : [word]))) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= room) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(cut(word, room))
  }
  if (lines.length <= most) return lines
  return [...lines.slice(0, most - 1), `${cut(lines[most - 1] ?? '', room - 2)} …`]
}

/**
 * A whole picture: drawings under each other below a title, with the same said in words for those who cannot see it.
 *
 * @param {{ title: string, words: string, drawings: readonly Drawing[] }} picture
 * @returns {string} Text of an SVG file.
 */
export function picture({ title, words, drawings }) {
  const width = Math.ceil(Math.max(420, ...drawings.map(drawing => drawing.width)))
  const titles = wrapped(title, (width / TITLE_CHARACTER) * CHARACTER, 3)
  const elements = titles.map((words, index) => text(0, 14 + index * 19, words, 'title'))
  let height = titles.length * 19
  for (const drawing of drawings) {
    height += 10
    elements.push(moved(drawing.elements, 0, height))
    height += drawing.height
  }
  const drawn = elements.join('\n')
  const size = { width: width + 2 * MARGIN, height: Math.ceil(height) + 2 * MARGIN }
  return `${element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      ...size,
      viewBox: `0 0 ${size.width} ${size.height}`,
      role: 'img',
      'aria-labelledby': 'title desc',
    },
    [
      '',
      element('title', { id: 'title' }, escaped(title)),
      element('desc', { id: 'desc' }, escaped(words)),
      element('style', {}, `\n${styleOf(drawn)}\n`),
      element('rect', { x: 0.5, y: 0.5, width: size.width - 1, height: size.height - 1, rx: 8, class: 'ground' }),
      moved([drawn], MARGIN, MARGIN),
      '',
    ].join('\n'),
  )}\n`
}

/** @param {number} value */
function short(value) {
  return String(Math.round(value * 10) / 10)
}

/** @param {string} words */
function escaped(words) {
  return words
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replace(/\p{Cc}/gu, '�') // XML cannot hold most of them
}
