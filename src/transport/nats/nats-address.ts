import { invalidAddress } from '../transport-errors.js'

const SCHEME = 'nats:'
const FORM = 'nats: and a subject, words of letters, digits, _ and - joined by dots, at most 200 characters'
const SUBJECT = /^[\w-]+(?:\.[\w-]+)*$/
const MAX_LENGTH = 200

/** What leaves the choice of an address to this transport, and to any. */
const CHOICE: readonly string[] = [SCHEME, ':0']

/** Writes the address of a subject. */
export function natsAddress(subject: string): string {
  return `${SCHEME}${subject}`
}

/** The subject of an address to dial. Throws INVALID_ARGUMENT (reason `invalid_address`). */
export function subjectOf(address: string): string {
  const subject = address.startsWith(SCHEME) ? address.slice(SCHEME.length) : ''
  if (subject.length > MAX_LENGTH || !SUBJECT.test(subject)) throw invalidAddress(address, FORM)
  return subject
}

/** The subject of an address to listen at; `undefined` when it is to be chosen. Throws as {@link subjectOf} does. */
export function listenedSubject(address: string): string | undefined {
  return CHOICE.includes(address) ? undefined : subjectOf(address)
}
