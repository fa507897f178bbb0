const BAR = 24
const CLEAR_LINE = '\r\u001B[K'

/** Shows on a terminal how far a run is and how long it will take; elsewhere it shows nothing. */
export function progressBar(out: NodeJS.WriteStream, all: number): { show(done: number): void; stop(): void } {
  const startedAt = performance.now()
  return {
    show: done => {
      if (out.isTTY) out.write(CLEAR_LINE + progressLine(done, all, (performance.now() - startedAt) / 1000))
    },
    stop: () => {
      if (out.isTTY) out.write(CLEAR_LINE)
    },
  }
}

/** The bar as text, after so many seconds. */
export function progressLine(done: number, all: number, seconds: number): string {
  const filled = Math.floor((BAR * done) / all)
  const left = done === 0 ? '' : ` · ${Math.ceil((seconds / done) * (all - done))} s left`
  return `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${done}/${all} runs${left}`
}
