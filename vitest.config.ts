import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['marbles/**/*.spec.ts', 'test/**/*.spec.ts'],
    globalSetup: ['test/support/build.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    typecheck: { enabled: true, include: ['test/types/*.test-d.ts'], tsconfig: 'test/types/tsconfig.json' },
  },
})
