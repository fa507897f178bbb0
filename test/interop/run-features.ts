import { firstValueFrom, from, Subscription, timeout } from 'rxjs'
import type { JavaPeer } from './java-peer.js'
import { Skipped, type Bench, type Carrier, type Feature, type Role, type Row } from './row.js'

const ROLES: readonly Role[] = ['client', 'server']
const CARRIERS: readonly Carrier[] = ['tcp', 'ws']
/** Longest time of one row. */
const PATIENCE_MS = 30_000

/** What is run, and who hears of each row. */
export interface Run {
  /** Name of the foreign implementation. */
  readonly peer: string
  readonly java: JavaPeer
  readonly features: readonly Feature[]
  /** Only features whose name has this in it. */
  readonly only: string
  readonly onRow: (row: Row) => void
}

/** Tries every feature in every role over every transport, one after the other. */
export async function runFeatures({ peer, java, features, only, onRow }: Run): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const { role, transport, feature, attempt } of attempts(features)) {
    if (!feature.includes(only)) continue
    const start = performance.now()
    const cleanup = new Subscription()
    const outcome = await outcomeOf(attempt({ java, carrier: transport, cleanup }))
    cleanup.unsubscribe()
    rows.push({ peer, role, transport, feature, ...outcome, ms: Math.round(performance.now() - start) })
    onRow(rows.at(-1) as Row)
  }
  return rows
}

/** The rows of features that cannot be tried, and why. */
export function skipFeatures({ peer, features, onRow }: Omit<Run, 'java' | 'only'>, reason: string): readonly Row[] {
  const rows = attempts(features).map(({ role, transport, feature }): Row => {
    return { peer, role, transport, feature, result: 'skipped', reason, ms: 0 }
  })
  rows.forEach(onRow)
  return rows
}

interface Attempt extends Pick<Row, 'feature'> {
  readonly role: Role
  readonly transport: Carrier
  readonly attempt: (bench: Bench) => Promise<void>
}

function attempts(features: readonly Feature[]): readonly Attempt[] {
  return ROLES.flatMap(role =>
    CARRIERS.flatMap(transport =>
      features.flatMap(feature => {
        const attempt = feature[role]
        return attempt === undefined ? [] : [{ role, transport, feature: feature.name, attempt }]
      }),
    ),
  )
}

async function outcomeOf(attempt: Promise<void>): Promise<Pick<Row, 'result' | 'reason'>> {
  try {
    await firstValueFrom(from(attempt).pipe(timeout({ first: PATIENCE_MS })))
    return { result: 'pass' }
  } catch (error) {
    if (error instanceof Skipped) return { result: 'skipped', reason: error.message }
    return { result: 'fail', reason: reasonOf(error) }
  }
}

/** The first lines of an error, and where in a feature it was thrown. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const text = error.message.trim().split('\n').slice(0, 12).join(' ').replaceAll(/\s+/g, ' ')
  const at = /features\/[\w-]+\.js:\d+/.exec(error.stack ?? '')
  return `${text.slice(0, 400)}${at === null ? '' : `, ${at[0]}`}`
}
