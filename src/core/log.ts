/** How much an event matters. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Something that happened which nobody asked for: a connection refused, a handler that threw. */
export interface LogEvent {
  /** How much it matters. */
  readonly level: LogLevel
  /** Stable dotted name, `connection.closed`. */
  readonly event: string
  /** One sentence for a person, with numbers. */
  readonly message: string
  /** Facts for programs. Never credentials or payloads. */
  readonly fields?: { readonly [name: string]: unknown }
}

/** Where events go. It must not throw. */
export type Log = (event: LogEvent) => void

/** A log that drops everything. */
export const silentLog: Log = () => {}

/**
 * The default log: warnings and errors as one line each on the console, and below an error, indented, the stack of what
 * was thrown here (`fields.error`). Control characters are written as escapes.
 */
export const consoleLog: Log = ({ level, event, message, fields }) => {
  if (level !== 'warn' && level !== 'error') return
  const stack = level === 'error' && fields?.['error'] instanceof Error ? fields['error'].stack : undefined
  console[level](`millrace ${level} ${event} · ${printable(message)}${stack === undefined ? '' : indented(stack)}`)
}

/** What ends a line or moves the cursor: a message may quote a peer, who must not write lines of its own. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/gu

function printable(text: string): string {
  return text.replace(CONTROL, escaped)
}

/** However a message in the stack is written, no line of it begins as a line of the log does. */
function indented(stack: string): string {
  return stack
    .split('\n')
    .map(line => `\n    ${printable(line.trim())}`)
    .join('')
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
