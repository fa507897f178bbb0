import { RpcError } from '../../core/index.js'
import { parseMarbles } from '../virtual-time.js'
import { faultKinds, faultLetters, type Fault, type FaultKind, type FaultLetter } from './fault.js'

/** Reads the faults of one lane: `'5s x 2s o'`, a fault from its letter to the next one. */
export function parseFaults(
  lane: FaultLetter['lane'],
  targets: readonly string[],
  diagram: string,
  durationMs: number,
): readonly Fault[] {
  const marbles = parseMarbles(diagram)
  return marbles.flatMap(({ frame, letter }, index) => {
    if (letter === 'o') return []
    const kind = kindOf(lane, letter)
    if (kind === undefined) throw unknownLetter(lane, letter, diagram)
    const end = kind === 'reset' ? frame : (marbles[index + 1]?.frame ?? durationMs)
    return [{ kind, targets, at: frame, ms: end - frame }]
  })
}

/** Writes a fault as the line of a scenario; one that lasts as long as the run has no end there. */
export function faultScript({ kind, targets, at, ms }: Fault, durationMs?: number): string {
  const names = targets.map(name => `'${name}'`)
  if (kind === 'skew') return `world.skew(${names.join(', ')}, ${ms})`
  const { lane, letter } = faultLetters[kind]
  const end = kind === 'reset' || at + ms === durationMs ? '' : ` ${gap(ms)}o`
  const arguments_ = [...(lane === 'registry' || lane === 'broker' ? [] : names), `'${gap(at + 1)}${letter}${end}'`]
  return `world.${lane === 'process' ? 'fault' : lane}(${arguments_.join(', ')})`
}

/** The time before the next letter; the letter before it takes one of it. */
function gap(ms: number): string {
  if (ms <= 1) return ''
  const before = ms - 1
  return before % 1000 === 0 ? `${before / 1000}s ` : `${before}ms `
}

function kindOf(lane: FaultLetter['lane'], letter: string): FaultKind | undefined {
  return faultKinds.find(kind => {
    if (kind === 'skew') return false
    const known = faultLetters[kind]
    return known.lane === lane && known.letter === letter
  })
}

function unknownLetter(lane: FaultLetter['lane'], letter: string, diagram: string): RpcError {
  const known = Object.entries(faultLetters).filter(([, each]) => each.lane === lane)
  const letters = known.map(([kind, each]) => `${each.letter} (${kind})`).join(', ')
  const message = `${lane} '${diagram}': no fault is called ${JSON.stringify(letter)}; use ${letters}, and o for its end`
  return new RpcError('INVALID_ARGUMENT', message, { reason: 'invalid_marbles' })
}
