/**
 * The page as static files, and its local server. Headers of the server isolate the page, so that workers may share memory; any other
 * server does too, and the training then has one thread.
 */
import { fileURLToPath } from 'node:url'
import { defineConfig, type UserConfig } from 'vite'

const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

const config: UserConfig = defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  server: { headers },
  preview: { headers },
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: true,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
})

export default config
