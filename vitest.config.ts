import { defineConfig } from 'vitest/config'
import { SlowFirst } from './test/support/slow-first.js'

export default defineConfig({
  test: {
    include: ['marbles/**/*.spec.ts', 'test/**/*.spec.ts'],
    globalSetup: ['test/support/build.ts', 'test/support/servers.ts'],
    setupFiles: ['test/support/record-diagrams.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // Files share their worker: most take milliseconds, and a process for each took a third of all the time. What a
    // file leaves behind meets the next one, so that it is noticed.
    isolate: false,
    // One worker for each core; vitest would leave one core idle.
    maxWorkers: '100%',
    sequence: { sequencer: SlowFirst },
    typecheck: { enabled: true, include: ['test/types/*.test-d.ts'], tsconfig: 'test/types/tsconfig.json' },
  },
})
