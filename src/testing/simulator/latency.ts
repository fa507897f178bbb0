import type { Runtime } from '../../core/index.js'
import type { SimulatedLatency } from './simulate-options.js'

type Chance = Pick<Runtime, 'random'>

/** How long frames take. Each direction between two processes has its own chance: what others send does not change it. */
export class Latency {
  private readonly range: SimulatedLatency
  private readonly chanceOf: (from: string, to: string) => Chance
  private readonly chances: Map<string, Chance>

  constructor(range: SimulatedLatency, chanceOf: (from: string, to: string) => Chance) {
    this.range = range
    this.chanceOf = chanceOf
    this.chances = new Map()
  }

  /** How long the next frame takes, ms. */
  draw(from: string, to: string): number {
    const { min, median, max } = this.range
    const draw = this.chance(from, to).random()
    // Log-logistic: half are below the median, and now and then one takes very long, as in real networks.
    return Math.min(max, min + ((median - min) * draw) / (1 - draw))
  }

  private chance(from: string, to: string): Chance {
    const key = `${from} ${to}`
    const known = this.chances.get(key)
    if (known !== undefined) return known
    const chance = this.chanceOf(from, to)
    this.chances.set(key, chance)
    return chance
  }
}
