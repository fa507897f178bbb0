import { simulate, type Scenario, type SimulateOptions } from 'millrace/testing'
import { RpcError } from 'millrace/core'
import { mutated, type Mutant } from './mutant.js'

/** How a planted fault was found. */
export interface Found {
  /** The invariant that was violated. */
  readonly invariant: string
  /** What was told. */
  readonly message: string
  /** How many seeds it took. */
  readonly seeds: number
}

/** Tries seeds 1 to `seeds` until one shows the fault; `undefined` when none does. */
export async function findMutant(
  scenario: Scenario,
  mutant: Mutant,
  options: Omit<SimulateOptions, 'seed'>,
  seeds: number,
): Promise<Found | undefined> {
  for (let seed = 1; seed <= seeds; seed++) {
    const violation = await violationOf(mutated(scenario, mutant), { ...options, seed })
    if (violation !== undefined) return { ...violation, seeds: seed }
  }
  return undefined
}

async function violationOf(
  scenario: Scenario,
  options: SimulateOptions,
): Promise<{ readonly invariant: string; readonly message: string } | undefined> {
  try {
    await simulate(options, scenario)
    return undefined
  } catch (error) {
    const { reason, details, rawMessage } = RpcError.from(error)
    if (reason !== 'invariant_violated') throw error
    const { invariant } = details as { readonly invariant: string }
    return { invariant, message: rawMessage.split('\n')[1] ?? '' }
  }
}
