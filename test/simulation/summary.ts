import { createHash } from 'node:crypto'
import { noCalls, type CallCounts } from './call-counts.js'
import type { ShopRun } from './run-shop.js'

/** Mean and least of something over all seeds. */
export interface Spread {
  readonly mean: number
  readonly least: number
}

/** What many runs were together; also what `--json` prints. */
export interface Summary {
  readonly seeds: number
  readonly events: number
  readonly virtualHours: number
  /** All calls, of all kinds. */
  readonly calls: Spread
  /** Calls by kind, mean a seed. */
  readonly callsByKind: CallCounts
  /** Calls with a stream of requests, of replies, or both. */
  readonly streams: Spread
  readonly faults: Spread & { readonly injected: number }
  /** Faults by kind, mean a seed. */
  readonly faultsByKind: { readonly [kind: string]: number }
  readonly violations: readonly { readonly seed: number; readonly violated: string }[]
  /** SHA-256 over the seeds and hashes of all runs, in the order of the seeds. */
  readonly hash: string
}

/** Sums runs up, in whichever order they ended. */
export function summarize(unordered: readonly ShopRun[]): Summary {
  const runs = unordered.toSorted((a, b) => a.seed - b.seed)
  const digest = createHash('sha256')
  for (const { seed, outcome } of runs) {
    digest.update(`${seed} ${'hash' in outcome ? outcome.hash : outcome.violated}\n`)
  }
  const completed = runs.filter(({ outcome }) => 'hash' in outcome)
  const faults = completed.map(run => run.faults.length)
  const faultKinds = completed.flatMap(run => run.faults).toSorted()
  return {
    seeds: runs.length,
    events: sum(runs.map(({ events }) => events)),
    virtualHours: round(sum(runs.map(({ virtualMs }) => virtualMs)) / 3_600_000),
    calls: spread(completed.map(({ calls }) => sum(Object.values(calls)))),
    callsByKind: meanCalls(completed),
    streams: spread(completed.map(({ calls }) => calls.serverStream + calls.clientStream + calls.duplex)),
    faults: { ...spread(faults), injected: sum(faults) },
    faultsByKind: Object.fromEntries(
      [...new Set(faultKinds)].map(kind => [
        kind,
        round(faultKinds.filter(each => each === kind).length / completed.length),
      ]),
    ),
    violations: runs.flatMap(({ seed, outcome }) => ('hash' in outcome ? [] : [{ seed, violated: outcome.violated }])),
    hash: digest.digest('hex'),
  }
}

/** The summary for people; its last line has the hash. */
export function summaryLines(summary: Summary): readonly string[] {
  const { seeds, events, virtualHours, calls, callsByKind, streams, faults, faultsByKind, violations, hash } = summary
  return [
    `seeds            ${seeds}, each with 3 services of 2 instances, 2 clients, registry and broker`,
    `events           ${events}`,
    `virtual hours    ${virtualHours}`,
    `calls a seed     ${told(calls)}: ${kinds(callsByKind)}`,
    `streams a seed   ${told(streams)}`,
    `faults a seed    ${told(faults)}: ${kinds(faultsByKind)}`,
    `faults injected  ${faults.injected}`,
    `violations       ${violations.length}`,
    `hash ${hash}`,
  ]
}

function meanCalls(runs: readonly ShopRun[]): CallCounts {
  const means: { -readonly [K in keyof CallCounts]: number } = { ...noCalls }
  for (const kind of Object.keys(noCalls) as (keyof CallCounts)[]) {
    means[kind] = round(sum(runs.map(({ calls }) => calls[kind])) / Math.max(1, runs.length))
  }
  return means
}

function spread(values: readonly number[]): Spread {
  if (values.length === 0) return { mean: 0, least: 0 }
  return { mean: round(sum(values) / values.length), least: Math.min(...values) }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}

function told({ mean, least }: Spread): string {
  return `${mean}, at least ${least}`
}

function kinds(means: { readonly [kind: string]: number }): string {
  return Object.entries(means)
    .map(([kind, mean]) => `${kind} ${mean}`)
    .join(', ')
}
