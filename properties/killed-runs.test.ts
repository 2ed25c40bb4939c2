import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { foldIn, key, uniform } from '../src/sampling/index.js'
import { toArray } from '../src/tensor/index.js'
import { temporaryFolder } from './runs/temporary-folder.js'
import { transpiled } from './runs/transpiled.js'

const STEPS = 400
const KILLS = 20

type Files = readonly [checkpoint: string, log: string]

/** Starts or continues the run, and kills it after so many of its steps. Did it come to its end? */
const attempt = (script: string, [checkpoint, log]: Files, killAfter: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, checkpoint, log, `${STEPS}`])
    let [steps, errors] = [0, '']
    // One character a step.
    child.stdout.on('data', (data: Buffer) => {
      steps += data.length
      if (steps >= killAfter) child.kill('SIGKILL')
    })
    child.stderr.on('data', (data: Buffer) => {
      errors += String(data)
    })
    child.on('exit', (code, signal) => {
      if (code !== 0 && signal === null) reject(new Error(errors))
      else resolve(code === 0)
    })
  })

const transitions = (log: string): ReadonlyMap<number, ReadonlySet<string>> => {
  const found = new Map<number, Set<string>>()
  for (const line of readFileSync(log, 'utf8').trim().split('\n')) {
    const [step = '', ...states] = line.split(' ')
    found.set(Number(step), (found.get(Number(step)) ?? new Set()).add(states.join(' ')))
  }
  return found
}

it('a run that is killed twenty times ends where an undisturbed one does, and no noise is used for two states', async () => {
  const folder = temporaryFolder()
  const files = (name: string): Files => [join(folder, `${name}.safetensors`), join(folder, `${name}.log`)]
  const [whole, killed] = [files('whole'), files('killed')]
  const script = transpiled(join(folder, 'program'))('properties/runs/killable.ts')
  expect(await attempt(script, whole, Number.POSITIVE_INFINITY)).toBe(true)
  // A kill falls anywhere: between two saves, or into one. Few enough steps each, so that twenty of them fit into the run.
  const delays = toArray(uniform([KILLS])(foldIn(1)(key(5)))).map((u) => 1 + Math.floor((u * STEPS) / KILLS))
  let kills = 0
  for (const delay of delays) if (!(await attempt(script, killed, delay))) kills++
  expect(kills).toBeGreaterThan(KILLS / 2)
  while (!(await attempt(script, killed, Number.POSITIVE_INFINITY)));
  expect(readFileSync(killed[0])).toEqual(readFileSync(whole[0]))
  const [steady, broken] = [transitions(whole[1]), transitions(killed[1])]
  // Steps between the last save and a kill were taken twice: from the same state, with the same noise, to the same state.
  expect([...broken.values()].filter((states) => states.size !== 1)).toEqual([])
  expect(broken).toEqual(steady)
}, 300_000)
