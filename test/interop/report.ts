import type { Row } from './row.js'

const marks: { readonly [R in Row['result']]: string } = { pass: 'pass', fail: 'FAIL', skipped: 'skip' }

/** One row as a line. */
export function lineOf({ peer, role, transport, feature, result, reason, ms }: Row): string {
  const why = reason === undefined ? '' : ` (${reason})`
  return `${marks[result]}  ${peer} ${role}, ${transport}: ${feature}${why}, ${ms} ms`
}

/** All rows as a table: a line a feature, a column for each peer, role and transport; then why any was skipped or failed. */
export function tableOf(rows: readonly Row[]): string {
  const columns = unique(rows.map(columnOf))
  const features = unique(rows.map(({ feature }) => feature))
  const width = Math.max(...features.map(({ length }) => length))
  const widths = columns.map(column => Math.max(6, column.length))
  const line = (name: string, cells: readonly string[]): string =>
    `| ${name.padEnd(width)} | ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`
  const cell = (feature: string, column: string): string => {
    const row = rows.find(row => row.feature === feature && columnOf(row) === column)
    return row === undefined ? '' : marks[row.result]
  }
  const head = line('feature', columns)
  const rule = line(
    '-'.repeat(width),
    widths.map(each => '-'.repeat(each)),
  )
  const body = features.map(feature =>
    line(
      feature,
      columns.map(column => cell(feature, column)),
    ),
  )
  return [head, rule, ...body, ...reasonsOf(rows)].join('\n')
}

/** Rows by their result. */
export function countsOf(rows: readonly Row[]): { readonly [R in Row['result']]: number } {
  const count = (result: Row['result']): number => rows.filter(row => row.result === result).length
  return { pass: count('pass'), fail: count('fail'), skipped: count('skipped') }
}

function reasonsOf(rows: readonly Row[]): readonly string[] {
  const told = rows.filter(({ reason }) => reason !== undefined)
  return told.map(row => `${marks[row.result]} ${columnOf(row)}: ${row.feature}: ${row.reason}`)
}

function columnOf({ peer, role, transport }: Row): string {
  return `${peer} ${role} ${transport}`
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)]
}
