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

/** The default log: warnings and errors as one line each on the console. */
export const consoleLog: Log = ({ level, event, message }) => {
  if (level === 'warn' || level === 'error') console[level](`millrace ${level} ${event} · ${message}`)
}
