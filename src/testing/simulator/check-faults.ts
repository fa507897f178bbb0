import * as E from 'fp-ts/lib/Either.js'
import { having, integer, listOf, number, oneOf, type Check } from '../../core/index.js'
import type { FaultRates } from './draw-faults.js'
import { faultKinds, faultLetters, type Fault, type FaultKind, type FaultLetter } from './fault.js'

type Faults = FaultRates | readonly Fault[]

const targetCounts: { readonly [L in FaultLetter['lane']]: number } = { link: 2, process: 1, registry: 0, broker: 0 }

/** Rates of kinds of faults that there are, or a list of faults. */
export const faultsCheck: Check<Faults> = (value, name) =>
  Array.isArray(value) ? listOf(faultCheck)(value, name) : ratesCheck(value, name)

const kindCheck: Check<FaultKind> = oneOf(...faultKinds)
const rateCheck: Check<number> = number({ min: 0 })

const ratesCheck: Check<FaultRates> = (value, name) => {
  if (typeof value !== 'object' || value === null)
    return E.left([`${name}: expected rates by kind, or a list of faults`])
  const faults = Object.entries(value).flatMap(([kind, rate]) => {
    if (!faultKinds.includes(kind as FaultKind))
      return `${name}: ${kind} is no kind, known are ${faultKinds.join(', ')}`
    const checked = rate === undefined ? E.right(0) : rateCheck(rate, `${name}.${kind}`)
    return E.isLeft(checked) ? checked.left : []
  })
  return refusedFor(faults) ?? E.right(value)
}

const faultCheck: Check<Fault> = (value, name) => {
  const checked = having<Fault>('kind', 'targets', 'at', 'ms')(value, name)
  if (E.isLeft(checked)) return checked
  const { kind, targets, at, ms } = checked.right
  const kindChecked = kindCheck(kind, `${name}.kind`)
  if (E.isLeft(kindChecked)) return kindChecked
  const count = targetCounts[kind === 'skew' ? 'process' : faultLetters[kind].lane]
  const results = [
    Array.isArray(targets) && targets.length === count && targets.every(target => typeof target === 'string')
      ? E.right(targets)
      : E.left([`${name}.targets: expected ${count} names for ${kind}`]),
    integer({ min: 0 })(at, `${name}.at`),
    integer({ min: kind === 'reset' || kind === 'skew' ? 0 : 1 })(ms, `${name}.ms`),
  ]
  return refusedFor(results.flatMap(result => (E.isLeft(result) ? result.left : []))) ?? E.right(checked.right)
}

function refusedFor(faults: readonly string[]): ReturnType<Check<never>> | undefined {
  const [first, ...others] = faults
  return first === undefined ? undefined : E.left([first, ...others])
}
