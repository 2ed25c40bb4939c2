import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    seed: number
  }
}

/**
 * The seed of every property of a run: SEED where it is set, a fresh one for SEED=fresh, else a hash of the
 * sources and the properties. What passed for a tree thus passes for it again, and each change tries other inputs.
 */
const setup = (project: TestProject): void => {
  const { SEED } = process.env
  const seed =
    SEED === undefined ? seedOf(['src', 'properties']) : SEED === 'fresh' ? Date.now() & 0x7fffffff : Number(SEED)
  if (!Number.isInteger(seed)) throw new Error(`SEED must be a whole number or fresh, got ${SEED}.`)
  console.log(`Properties start from seed ${seed} (SEED=fresh for another).`)
  project.provide('seed', seed)
}

const seedOf = (folders: readonly string[]): number => {
  const hash = createHash('sha256')
  for (const folder of folders)
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((each) => each.isFile() && each.name.endsWith('.ts'))
      .map((each) => join(each.parentPath, each.name))
      .sort())
      hash.update(entry).update(readFileSync(entry))
  return hash.digest().readInt32LE()
}

export default setup
