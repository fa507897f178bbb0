import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['marbles/**/*.spec.ts', 'test/**/*.spec.ts'],
    globalSetup: ['test/support/build.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
})
