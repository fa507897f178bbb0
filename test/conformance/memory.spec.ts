import { HOSTILE_FRAMES } from './close.js'
import { MemoryRig } from './memory-rig.js'
import { testPoints } from './test-points.js'

testPoints(
  'memory',
  (options, network) => new MemoryRig(options, network),
  number => number !== HOSTILE_FRAMES,
)
