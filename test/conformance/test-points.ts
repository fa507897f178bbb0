import { describe, it } from 'vitest'
import { sections } from './points.js'
import type { Point } from './point.js'
import type { Lab, Network, NetworkOptions, Rig } from './rig.js'
import type { RSocketOptions } from 'millrace/protocol/rsocket'

/** The points about large numbers take some seconds each when they run in full. */
const LONGEST_MS = 120_000

/** Whether the points about large numbers run in full. */
export const thorough: boolean = process.env['CONFORMANCE'] === 'full'

/** Makes an empty rig on a network. */
export type MakeRig = (options: RSocketOptions, network: NetworkOptions) => Rig

/** Runs points over one network; all of them unless told otherwise. */
export function testPoints(network: Network, make: MakeRig, chosen: (number: number) => boolean = () => true): void {
  describe(`RSocket over ${network}`, () => {
    for (const [section, points] of Object.entries(sections)) {
      const ours = points.filter(({ number }) => chosen(number))
      if (ours.length > 0) describe(section, () => ours.forEach(point => testPoint(point, network, make)))
    }
  })
}

function testPoint(point: Point, network: Network, make: MakeRig): void {
  const reason = point.notOver?.[network]
  it(`${point.number}: ${point.title}`, { timeout: LONGEST_MS }, context => {
    if (reason !== undefined) context.skip(reason)
    return run(point, network, make)
  })
}

/** Runs a point, and ends what it has opened. */
export async function run({ run }: Point, network: Network, make: MakeRig): Promise<void> {
  const rigs: Rig[] = []
  const lab: Lab = {
    network,
    thorough,
    open: (options = {}, networkOptions = {}) => {
      const rig = make(options, networkOptions)
      rigs.push(rig)
      return rig
    },
  }
  try {
    await run(lab)
  } finally {
    for (const rig of rigs) await rig.close()
  }
}
