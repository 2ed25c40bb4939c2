/**
 * `npm run scattering`, from the outside.
 */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { encodeIdx } from './arbitraries/idx.js'
import { temporaryFolder } from './runs/temporary-folder.js'

interface Finished {
  readonly code: number | null
  readonly output: string
}

const command = (args: readonly string[]): Promise<Finished> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/scattering.ts', ...args, '--threads', '1'])
    let output = ''
    const collect = (chunk: Buffer): void => {
      output += chunk
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('close', (code) => resolve({ code, output }))
  })

/** Bars: class k of 3 is a bright line in row 2k + 1, among dim noise. */
const bars = (extent: number, count: number): string => {
  const dir = temporaryFolder()
  const pixels = (split: number): readonly number[] =>
    Array.from({ length: count * extent * extent }, (_, at) => {
      const [image, row] = [Math.floor(at / extent ** 2), Math.floor(at / extent) % extent]
      return row === 2 * (image % 3) + 1 ? 200 : (at * 37 + split * 11 + image * 5) % 60
    })
  const labels = Array.from({ length: count }, (_, image) => image % 3)
  for (const [split, name] of ['train', 't10k'].entries()) {
    writeFileSync(join(dir, `${name}-images-idx3-ubyte`), encodeIdx('uint8', [count, extent, extent], pixels(split)))
    writeFileSync(join(dir, `${name}-labels-idx1-ubyte`), encodeIdx('uint8', [count], labels))
  }
  return dir
}

const report = (out: string) => JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'))

describe('npm run scattering', () => {
  it('trains on drawn digits, and reports the event that happened', async () => {
    const [out, features] = [temporaryFolder(), temporaryFolder()]
    const { code, output } = await command([
      ...['--examples', '200', '--leaves', '50', '--epsilon', '8', '--steps', '12', '--learning-rate', '20'],
      ...['--out', out, '--features', features],
    ])
    expect(output).toMatch(/200 examples to train, 200 computed/)
    expect(output).toMatch(/Test accuracy +\d+\.\d+ %/)
    expect(code).toBe(0)
    const { epsilon, accountant, event, neighbouring, settings, ledger, testAccuracy, noise, warning } = report(out)
    expect(epsilon).toBeLessThanOrEqual(8)
    expect(epsilon).toBeGreaterThan(8 - 1e-8)
    expect(accountant).toBe('gdp')
    expect(neighbouring).toBe('addOrRemoveOne')
    expect(event).toBe(`12 × Gaussian(${settings.noiseMultiplier})`)
    expect(JSON.stringify(ledger)).not.toMatch(/Sampled/)
    expect(settings).toMatchObject({ samplingProbability: 1, expectedBatchSize: 200, steps: 12, parameters: 39700 })
    expect(testAccuracy).toBeGreaterThan(0.2)
    expect([noise, /seed/.test(warning)]).toEqual(['float', true])
    expect(JSON.stringify(report(out))).not.toMatch(/loss/)
    expect(readFileSync(join(out, 'privacy.md'), 'utf8')).toMatch(
      /none: every record takes part in every release[\s\S]*200, is public/,
    )
    expect(readFileSync(join(out, 'curves.svg'), 'utf8')).toMatch(/^<svg|<figure/)
  })

  it('on IDX files: runs are repeatable, features that are damaged are made anew, and a hold-out leaves the test set alone', async () => {
    const [dir, features, out] = [bars(8, 60), temporaryFolder(), temporaryFolder()]
    const args = [
      ...['--data', dir, '--features', features, '--leaves', '50', '--hold-out', '20', '--out', out],
      ...['--epsilon', '20', '--steps', '20', '--learning-rate', '10'],
    ]
    const first = await command(args)
    expect(first.output).toMatch(/60 examples to train, 60 computed/)
    expect(first.output).not.toMatch(/to test, /)
    expect(first.output).toMatch(/Hold-out +\d+\.\d+ %/)
    const held = report(out)
    expect(held.examples).toEqual({ train: 40, holdOut: 20 })
    expect(held.holdOutAccuracy).toBeGreaterThan(0.6)
    expect(held.testAccuracy).toBeUndefined()
    const path = join(features, readdirSync(features)[0] as string)
    writeFileSync(path, readFileSync(path).subarray(0, 1000))
    const second = await command(args)
    expect(second.output).toMatch(/Not used: .*safetensors: found/)
    expect(second.output).toMatch(/60 examples to train, 60 computed/)
    expect(report(out).curve).toEqual(held.curve)
  })

  it('--help names every flag', async () => {
    const { code, output } = await command(['--help'])
    expect(code).toBe(0)
    for (const flag of [
      '--data',
      '--epsilon',
      '--steps',
      '--learning-rate',
      '--hold-out',
      '--features',
      '--leaves',
      '--secure',
    ])
      expect(output).toContain(flag)
  })

  it.each([
    ['no steps', ['--steps', '0'], /--steps.*0.*whole number of at least 1/],
    ['images that are too small', ['--data', bars(4, 6)], /shape \[1,4,4\].*at least 5 × 5 pixels/],
    [
      'a hold-out of everything',
      ['--data', bars(5, 6), '--leaves', '5', '--hold-out', '6'],
      /--hold-out is 6: it must be below 6/,
    ],
    [
      'a folder that is a file',
      ['--data', bars(5, 6), '--leaves', '5', '--features', 'package.json'],
      /package.json: features cannot be kept there/,
    ],
  ])('%s: one clear sentence and a non-zero status', async (_, args, sentence) => {
    const { code, output } = await command(['--features', temporaryFolder(), '--out', temporaryFolder(), ...args])
    expect(output).toMatch(sentence)
    expect(output).not.toMatch(/\n\s+at /)
    expect(code).toBe(1)
  })
})
