import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Specs that start processes and wait for them, the slowest first. */
const SLOW = [
  'registry/etcd-faults',
  'word-count/main-job',
  'word-count/memory',
  'orders/main',
  'test/package',
  'faults/process',
  'browser/browser',
  'over-tcp/credit-over-tcp',
  'streams/flow-control-doc',
]

/**
 * Starts the slow specs first, so that the many fast ones fill the time that they leave. Vitest knows how long a file
 * takes only where it has run before, and takes the largest first on a fresh checkout: these are among the smallest.
 */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- it is no array that sorts here
    const usual = await super.sort(files)
    return usual.toSorted((a, b) => rank(a) - rank(b))
  }
}

function rank({ moduleId }: TestSpecification): number {
  const index = SLOW.findIndex(path => moduleId.endsWith(`${path}.spec.ts`))
  return index < 0 ? SLOW.length : index
}
