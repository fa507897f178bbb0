import { RpcError } from '../core/index.js'

const MAX_TOPIC_LENGTH = 255
const TOPIC = /^[\w-]+(?:\.[\w-]+)*$/
const PATTERN = /^(?:(?:[\w-]+|\*)\.)*(?:[\w-]+|\*|>)$/

/** Throws INVALID_ARGUMENT (reason `invalid_topic`) unless one can publish to `topic`. */
export function checkTopic(topic: string): void {
  check(topic, TOPIC, 'words of letters, digits, _ and -, joined by dots')
}

/**
 * Gives the test for the topics that `pattern` stands for: `*` is one word, a final `>` one or more.
 * Throws INVALID_ARGUMENT (reason `invalid_topic`) when it is no pattern. The test expects a valid topic.
 */
export function topicMatcher(pattern: string): (topic: string) => boolean {
  check(
    pattern,
    PATTERN,
    'words of letters, digits, _ and -, or * for a word and > for all further ones, joined by dots',
  )
  if (TOPIC.test(pattern)) return topic => topic === pattern
  const source = pattern
    .replaceAll('.', String.raw`\.`)
    .replaceAll('*', '[^.]+')
    .replace('>', '.+')
  const regExp = new RegExp(`^${source}$`)
  return topic => regExp.test(topic)
}

function check(topic: unknown, form: RegExp, expected: string): void {
  if (typeof topic === 'string' && topic.length <= MAX_TOPIC_LENGTH && form.test(topic)) return
  const shown = typeof topic === 'string' ? JSON.stringify(topic.slice(0, 60)) : `of type ${typeof topic}`
  const length = typeof topic === 'string' && topic.length > 60 ? ` (${topic.length} characters)` : ''
  throw new RpcError(
    'INVALID_ARGUMENT',
    `topic ${shown}${length}: expected ${expected}, at most ${MAX_TOPIC_LENGTH} characters`,
    { reason: 'invalid_topic' },
  )
}
