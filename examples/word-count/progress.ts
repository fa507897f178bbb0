import { interval, type Subscription } from 'rxjs'

/** How far the job is. */
export interface Progress {
  readonly files: number
  readonly filesInAll: number
  readonly lines: number
  readonly inFlight: number
}

const EVERY_MS = 100
const BAR = 12
/** Width of a terminal that does not know its own, which says 0. */
const COLUMNS = 80
const CLEAR_LINE = '\r\u001B[K'

/** A bar on a terminal that shows how far the job is. On anything but a terminal it writes nothing but notes. */
export class ProgressBar {
  private readonly out: NodeJS.WriteStream
  private readonly progress: () => Progress
  private readonly startedAt = performance.now()
  private readonly drawing: Subscription | undefined

  constructor(out: NodeJS.WriteStream, progress: () => Progress) {
    this.out = out
    this.progress = progress
    this.drawing = out.isTTY ? interval(EVERY_MS).subscribe(() => this.draw()) : undefined
  }

  /** Writes a line of its own, above the bar. */
  note(text: string): void {
    this.out.write(this.drawing === undefined ? `${text}\n` : `${CLEAR_LINE}${text}\n`)
  }

  /** Takes the bar away. */
  stop(): void {
    if (this.drawing === undefined) return
    this.drawing.unsubscribe()
    this.out.write(CLEAR_LINE)
  }

  private draw(): void {
    const seconds = (performance.now() - this.startedAt) / 1000
    this.out.write(CLEAR_LINE + progressLine(this.progress(), seconds).slice(0, (this.out.columns || COLUMNS) - 1))
  }
}

/** Shows a line on a terminal until some work is done. */
export async function showWhile<T>(out: NodeJS.WriteStream, text: string, work: Promise<T>): Promise<T> {
  if (!out.isTTY) return work
  out.write(text)
  try {
    return await work
  } finally {
    out.write(CLEAR_LINE)
  }
}

/** The bar as text. */
export function progressLine({ files, filesInAll, lines, inFlight }: Progress, seconds: number): string {
  const filled = filesInAll === 0 ? 0 : Math.floor((BAR * files) / filesInAll)
  const bar = '█'.repeat(filled) + '░'.repeat(BAR - filled)
  const perSecond = Math.round(lines / seconds)
  return `${bar} ${show(files)}/${show(filesInAll)} files · ${show(lines)} lines · ${show(perSecond)} lines/s · ${show(inFlight)} in flight`
}

function show(count: number): string {
  return count.toLocaleString('en')
}
