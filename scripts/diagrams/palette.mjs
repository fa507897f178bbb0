// Colours of diagrams, for light and for dark, and the styles that use them. A diagram that stands in a page as an image
// cannot know the page's theme, so it brings its own ground, which follows the reader's preference.

/** Marbles have one of so many colours, `c0` and on. */
export const HUES = 8

const light = {
  ground: '#ffffff',
  frame: '#d0d7de',
  text: '#1f2328',
  quiet: '#59636e',
  guide: '#e6eaef',
  line: '#59636e',
  box: '#f6f8fa',
  bad: '#c01c28',
  good: '#1a7f37',
  hues: ['#9ec5fe', '#ffd479', '#a8e0b4', '#f7b2c4', '#cbb7f5', '#ffbe98', '#93dfe0', '#d6d1a4'],
  ink: '#1f2328',
}
const dark = {
  ground: '#0d1117',
  frame: '#30363d',
  text: '#e6edf3',
  quiet: '#9198a1',
  guide: '#21262d',
  line: '#9198a1',
  box: '#161b22',
  bad: '#ff7b72',
  good: '#56d364',
  hues: ['#79b0ff', '#f2c14e', '#7ed492', '#f191ac', '#b79cf2', '#ffa36b', '#66cdd0', '#c9c27a'],
  ink: '#0d1117',
}

/** Colours as custom properties, and the fonts. */
const THEMES = [
  `svg{${properties(light)}}`,
  `@media (prefers-color-scheme:dark){svg{${properties(dark)}}}`,
  'text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:var(--text)}',
]

/** A rule for each class. */
const RULES = [
  '.ground{fill:var(--ground);stroke:var(--frame)}',
  '.title{font:600 14px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}',
  '.quiet{fill:var(--quiet)}',
  '.small{font-size:11px}',
  '.middle{text-anchor:middle}',
  '.end{text-anchor:end}',
  '.guide{stroke:var(--guide)}',
  '.tick{stroke:var(--quiet);stroke-opacity:.5}',
  '.line{stroke:var(--line);stroke-width:1.5;fill:none}',
  '.idle{stroke:var(--line);stroke-opacity:.45;stroke-dasharray:2 4}',
  '.gap{stroke:var(--ground);stroke-width:5}',
  '.group{fill:var(--box);stroke:var(--frame)}',
  '.box{fill:var(--box);stroke:var(--frame)}',
  '.marble{stroke:var(--ground);stroke-width:1.5}',
  '.ink{fill:var(--ink);text-anchor:middle;font-weight:600}',
  '.unseen{opacity:.35}',
  '.stop{stroke:var(--text);stroke-width:3;stroke-linecap:round}',
  '.cross{stroke:var(--bad);stroke-width:3;stroke-linecap:round;fill:none}',
  '.held{stroke-width:5;stroke-linecap:round;stroke-opacity:.55}',
  '.failed{stroke:var(--bad);stroke-width:2}',
  '.bad{fill:var(--bad)}',
  '.fill-good{fill:var(--good)}',
  '.fill-bad{fill:var(--bad)}',
  '.fill-quiet{fill:var(--quiet)}',
  '.on{fill:var(--ground);text-anchor:middle;font-weight:600}',
  '.up{fill:var(--good);fill-opacity:.25;stroke:var(--good);stroke-opacity:.5}',
  '.worse{fill:var(--c1);fill-opacity:.45;stroke:var(--c1)}',
  '.down{fill:var(--bad);fill-opacity:.3;stroke:var(--bad);stroke-dasharray:4 3}',
  '.completed{fill:var(--c0)}',
  '.cancelled{fill:var(--quiet);fill-opacity:.5}',
  '.call.failed{fill:var(--bad);stroke:none}',
  ...Array.from({ length: HUES }, (_, hue) => [
    `.c${hue}{fill:var(--c${hue})}`,
    `.s${hue}{stroke:var(--c${hue})}`,
  ]).flat(),
]

/**
 * The styles of what is drawn, no others.
 *
 * @param {string} drawn Text of elements.
 */
export function styleOf(drawn) {
  const used = new Set([...drawn.matchAll(/ class="([^"]*)"/g)].flatMap(([, classes = '']) => classes.split(' ')))
  const rules = RULES.filter(rule => used.has(/^\.([\w-]+)/.exec(rule)?.[1] ?? '') || rule.startsWith('.ground'))
  return [...THEMES, ...rules].join('\n')
}

/** @param {typeof light} colours */
function properties({ hues, ...named }) {
  const all = [...Object.entries(named), ...hues.map((hue, index) => [`c${index}`, hue])]
  return all.map(([name, colour]) => `--${name}:${colour}`).join(';')
}
