import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from './runs/temporary-folder.js'

interface Finished {
  readonly code: number | null
  readonly output: string
}

const demo = (
  args: readonly string[],
  watch: (line: string, child: ChildProcess) => void = () => undefined,
): Promise<Finished> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/demo.ts', ...args])
    let output = ''
    const collect = (chunk: Buffer): void => {
      output += chunk
      watch(output, child)
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('close', (code) => resolve({ code, output }))
  })

const small = ['--examples', '300', '--batch-size', '60', '--threads', '1', '--epsilon', '5']

describe('npm run demo', () => {
  it('trains, and leaves a report, a picture and a checkpoint', async () => {
    const out = temporaryFolder()
    const { code, output } = await demo([...small, '--epochs', '2', '--out', out])
    expect(output).toMatch(/Test accuracy +\d+\.\d+ %/)
    expect(output).toMatch(/\(ε = \d\.\d+, δ = 0\.00001\)/)
    expect(code).toBe(0)
    const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'))
    expect(report.epsilon).toBeLessThanOrEqual(5)
    expect(report.epsilon).toBeGreaterThan(4.99)
    expect(report.testAccuracy).toBeGreaterThan(0.05)
    expect(report.settings.steps).toBe(10)
    expect(report.noise).toBe('float')
    expect(report.warning).toMatch(/seed/)
    expect(JSON.stringify(report)).not.toMatch(/loss/)
    expect(readFileSync(join(out, 'privacy.md'), 'utf8')).toMatch(/number of examples to train on, 300, is public/)
    expect(readFileSync(join(out, 'curves.svg'), 'utf8')).toMatch(/^<svg|<figure/)
  })

  it('stopped by Ctrl-C and resumed, it ends bit for bit where it would have ended', async () => {
    const [whole, halves] = [temporaryFolder(), temporaryFolder()]
    const args = [...small, '--epochs', '6', '--seed', '5']
    await demo([...args, '--out', whole])
    let asked = false
    const stopped = await demo([...args, '--out', halves], (output, child) => {
      if (asked || !output.includes('step 5/')) return
      asked = true
      child.kill('SIGINT')
    })
    expect(stopped.code).toBe(130)
    expect(stopped.output).toMatch(/Continue with: npm run demo -- --resume \S+checkpoint\.safetensors/)
    // The flags of the run come from the checkpoint: other data would not be what its ledger speaks of.
    const changed = ['--data', '/no/such/folder', '--noise-multiplier', '0.1']
    const resumed = await demo([
      ...['--resume', join(halves, 'checkpoint.safetensors'), '--threads', '1', '--out', halves],
      ...changed,
    ])
    expect(resumed.output).toMatch(/Data: 300 drawn digits/)
    expect(resumed.code).toBe(0)
    const bytes = (dir: string) => readFileSync(join(dir, 'checkpoint.safetensors'))
    expect(bytes(halves).equals(bytes(whole))).toBe(true)
  })

  it('--secure takes keys from the operating system, and the event says so', async () => {
    const out = temporaryFolder()
    await demo([...small, '--epochs', '1', '--secure', '--out', out])
    const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'))
    expect(report.noise).toBe('secure')
    expect(report.event).toMatch(/secure/)
    expect(report.warning).toBeUndefined()
  })

  it('--help names every flag', async () => {
    const { code, output } = await demo(['--help'])
    expect(code).toBe(0)
    for (const flag of ['--data', '--epsilon', '--epochs', '--activation', '--seed', '--secure', '--resume'])
      expect(output).toContain(flag)
  })

  /** IDX bytes: u16 0, type, rank, extents (u32), data. */
  const idx = (shape: readonly number[], data: readonly number[]): Buffer =>
    Buffer.concat([
      Buffer.from([0, 0, 8, shape.length]),
      ...shape.map((extent) => Buffer.from([extent >>> 24, extent >>> 16, extent >>> 8, extent])),
      Buffer.from(data),
    ])

  const idxFolder = (change: (files: Record<string, Buffer>) => void): string => {
    const pixels = Array.from({ length: 20 * 784 }, (_, i) => (i * 37) % 256)
    const labels = Array.from({ length: 20 }, (_, i) => i % 10)
    const files: Record<string, Buffer> = {
      'train-images-idx3-ubyte.gz': gzipSync(idx([20, 28, 28], pixels)),
      'train-labels-idx1-ubyte': idx([20], labels),
      't10k-images-idx3-ubyte': idx([20, 28, 28], pixels),
      't10k-labels-idx1-ubyte.gz': gzipSync(idx([20], labels)),
    }
    change(files)
    const dir = temporaryFolder()
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(dir, name), bytes)
    return dir
  }

  it('trains on IDX files, plain and gzip', async () => {
    const { code, output } = await demo([
      ...['--data', idxFolder(() => undefined), '--batch-size', '5', '--epochs', '1', '--threads', '1'],
      ...['--out', temporaryFolder()],
    ])
    expect(output).toMatch(/20 examples to train on/)
    expect(code).toBe(0)
  })

  it('goes on on its own data alone: others would be noised by the same noise', async () => {
    const [mine, out] = [idxFolder(() => undefined), temporaryFolder()]
    const args = ['--data', mine, '--batch-size', '5', '--epochs', '2', '--threads', '1', '--out', out]
    expect((await demo(args)).code).toBe(0)
    const resume = ['--resume', join(out, 'checkpoint.safetensors'), '--out', out]
    expect((await demo(resume)).code).toBe(0)
    const labels = Array.from({ length: 20 }, (_, i) => (i === 13 ? 0 : i % 10))
    writeFileSync(join(mine, 'train-labels-idx1-ubyte'), idx([20], labels))
    const { code, output } = await demo(resume)
    expect([code, output]).toEqual([1, expect.stringMatching(/it is of a run on other data/)])
  })

  it.each([
    ['an unknown flag', ['--colour', 'red'], /unknown option '--colour'/],
    ['an argument too many', ['mnist'], /argument/],
    ['a number that is none', ['--epsilon', 'low'], /--epsilon.*low.*above 0/],
    ['a negative budget', ['--epsilon', '-1'], /above 0/],
    ['a delta of 1', ['--delta', '1'], /\(0, 1\)/],
    ['an unknown activation', ['--activation', 'step'], /relu, tanh/],
    [
      'a batch larger than the data',
      ['--examples', '40', '--batch-size', '60'],
      /samplingProbability must be in \(0, 1\], not 1\.5/,
    ],
    ['a missing folder', ['--data', '/no/such/folder'], /\/no\/such\/folder/],
    ['a missing checkpoint', ['--resume', '/no/such/file'], /\/no\/such\/file/],
  ])('%s: one clear sentence and a non-zero status', async (_, args, sentence) => {
    const { code, output } = await demo([...args, '--out', temporaryFolder()])
    expect(output).toMatch(sentence)
    expect(output).not.toMatch(/\n\s+at /)
    expect(code).toBe(1)
  })

  it.each([
    [
      'a missing file',
      (files: Record<string, Buffer>) => {
        delete files['t10k-images-idx3-ubyte']
      },
      /t10k-images/,
    ],
    [
      'a truncated file',
      (files: Record<string, Buffer>) => {
        files['t10k-images-idx3-ubyte'] = (files['t10k-images-idx3-ubyte'] as Buffer).subarray(0, 5000)
      },
      /t10k-images-idx3-ubyte.*found.*allowed/,
    ],
    [
      'labels that do not match',
      (files: Record<string, Buffer>) => {
        files['train-labels-idx1-ubyte'] = idx([19], new Array(19).fill(3))
      },
      /19.*20|20.*19/,
    ],
    [
      'images too small for the network',
      (files: Record<string, Buffer>) => {
        files['train-images-idx3-ubyte.gz'] = gzipSync(idx([20, 2, 2], new Array(80).fill(1)))
        files['t10k-images-idx3-ubyte'] = idx([20, 2, 2], new Array(80).fill(1))
      },
      /model must be a model that takes inputs of shape \[1,2,2\]/,
    ],
  ])('%s among IDX files: one clear sentence and a non-zero status', async (_, change, sentence) => {
    const { code, output } = await demo(['--data', idxFolder(change), '--batch-size', '5', '--out', temporaryFolder()])
    expect(output).toMatch(sentence)
    expect(output).not.toMatch(/\n\s+at /)
    expect(code).toBe(1)
  })
})
