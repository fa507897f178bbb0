import { HOSTILE_FRAMES } from './close.js'
import { MemoryRig } from './memory-rig.js'
import { testPoints } from './test-points.js'

// A file of its own: in full it takes as long as everything else, and files run beside each other.
testPoints(
  'memory',
  (options, network) => new MemoryRig(options, network),
  number => number === HOSTILE_FRAMES,
)
