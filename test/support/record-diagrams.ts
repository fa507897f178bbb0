import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach } from 'vitest'
import type { ExecutedSpec } from '../../src/testing/executed-spec.js'
import type { ExecutedRun } from './drawn-run.js'

/** Where something was written, as a stack trace has it: file from the root of the project, line, column. */
type Site = readonly [file: string, line: number, column: number]

/** What the diagrams of the documentation are drawn of; reporters get it with the test. */
type Recorded = ExecutedRun | RecordedSpec

interface RecordedSpec {
  readonly streams: readonly (Omit<ExecutedSpec['streams'][number], 'stack'> & { readonly site: Site | undefined })[]
}

declare module 'vitest' {
  interface TaskMeta {
    executed?: Recorded[]
  }
}

const OBSERVER = Symbol.for('millrace.executed-spec.1')
const root = fileURLToPath(new URL('../..', import.meta.url))
const kit = /^(?:src|dist)\/testing\/|^node_modules\//

beforeEach(({ task }) => {
  if (!task.file.name.startsWith('marbles/')) return
  const executed: Recorded[] = []
  task.meta.executed = executed
  Object.assign(globalThis, {
    [OBSERVER]: (spec: ExecutedSpec | ExecutedRun) => executed.push('timeline' in spec ? spec : located(spec)),
  })
})

afterEach(() => {
  Reflect.deleteProperty(globalThis, OBSERVER)
})

function located({ streams }: ExecutedSpec): RecordedSpec {
  return { streams: streams.map(({ stack, ...stream }) => ({ ...stream, site: siteOf(stack) })) }
}

/** The first line of `stack` that is of the project and not of the kit. */
function siteOf(stack: string): Site | undefined {
  for (const [, path = '', line, column] of stack.matchAll(/(?:file:\/\/)?(\/[^\s()]*?):(\d+):(\d+)\)?$/gm)) {
    const file = relative(root, path)
    if (!file.startsWith('..') && !kit.test(file)) return [file, Number(line), Number(column)]
  }
  return undefined
}
