import { registerChecks, type TestRunner } from '../test-runner.js'
import type { CodecCheck, CodecFactory } from './codec-check.js'
import { damage } from './damage.js'
import { encodingChecks } from './encoding.js'
import { sampleChecks } from './sample-checks.js'
import type { SampleName } from './samples.js'
import { structures } from './structures.js'

/** A codec to be tried. */
export interface CodecSubject {
  /** Its name, which its tests are shown under. */
  readonly name: string
  /** Makes it, with the limits that a check needs. */
  readonly codec: CodecFactory
  /**
   * The samples that it keeps; it has to refuse every other one. One that keeps no `object` has no structures: checks of
   * those are shown as skipped. It keeps `object`, `string` or `Uint8Array` at least, for other checks are made of these.
   */
  readonly keeps: readonly SampleName[]
}

/** Everything that the contract of `Codec` says of a codec that keeps these samples, as checks. */
export function codecChecks(keeps: readonly SampleName[]): readonly CodecCheck[] {
  return [...sampleChecks(keeps), ...encodingChecks(keeps), ...structures, ...damage]
}

/** Registers the checks of {@link codecChecks} as tests of a codec. */
export function testCodec(runner: TestRunner, { name, codec, keeps }: CodecSubject): void {
  registerChecks(runner, codecChecks(keeps), {
    name: `${name} as a Codec`,
    setup: () => ({ codec }),
    lacks: keeps.includes('object') ? [] : ['structures'],
  })
}
