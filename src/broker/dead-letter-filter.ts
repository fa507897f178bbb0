import { integer, listOf, optional, resolveOptions, text } from '../core/index.js'
import type { DeadLetter, DeadLetterFilter, ReplayOptions } from './dead-letters.js'
import { topicMatcher } from './topic.js'

/** Options of a replay, filled and checked. */
export interface ResolvedReplay {
  /** Whether a letter is meant. */
  readonly matches: (letter: DeadLetter) => boolean
  /** Most letters to replay. */
  readonly max: number
}

const filterChecks = {
  topic: optional(text),
  queue: optional(text),
  ids: optional(listOf(text)),
} as const

/** The test for the letters that a filter means. Throws INVALID_ARGUMENT (reason `invalid_options`, `invalid_topic`). */
export function letterMatcher(filter: DeadLetterFilter | undefined): (letter: DeadLetter) => boolean {
  return matcherOf(resolveOptions('deadLetters', filterChecks, filter))
}

/** Fills and checks the options of a replay. Throws as {@link letterMatcher} does. */
export function resolveReplay(options: ReplayOptions | undefined): ResolvedReplay {
  const checks = {
    ...filterChecks,
    max: optional(integer({ min: 1, max: Infinity }), 100),
    maxReplays: optional(integer({ min: 1, max: Infinity }), 3),
  }
  const { max, maxReplays, ...filter } = resolveOptions('replay', checks, options)
  const isMeant = matcherOf(filter)
  return { max, matches: letter => letter.replays < maxReplays && isMeant(letter) }
}

function matcherOf({ topic, queue, ids }: Required<ResolvedFilter>): (letter: DeadLetter) => boolean {
  const isOfTopic = topic === undefined ? undefined : topicMatcher(topic)
  const wanted = ids === undefined ? undefined : new Set(ids)
  return letter =>
    (isOfTopic?.(letter.topic) ?? true) &&
    (queue === undefined || queue === letter.queue) &&
    (wanted?.has(letter.id) ?? true)
}

type ResolvedFilter = { readonly [K in keyof DeadLetterFilter]: DeadLetterFilter[K] | undefined }
