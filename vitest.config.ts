import { defineConfig, type ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['properties/**/*.test.ts'],
    globalSetup: 'properties/seed/of-content.ts',
    setupFiles: 'properties/seed/of-run.ts',
    // The default leaves a core idle; on two cores that is half of them.
    maxWorkers: '100%',
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
})

export default config
