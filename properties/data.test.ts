import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { beforeAll, describe, expect, it } from 'vitest'
import { type DataError, showDataError } from '../src/data/data-error.js'
import { inMemory } from '../src/data/dataset.js'
import { drawDigit, drawDigits, type Handwriting, handwriting } from '../src/data/digits.js'
import { parseIdx } from '../src/data/idx.js'
import { type IdxFolderOptions, readIdxFolder, type TrainAndTest } from '../src/data/idx-folder.js'
import { decodeIdx } from '../src/data/inflate.js'
import { foldIn, key } from '../src/sampling/key.js'
import { sizeOf } from '../src/tensor/shape.js'
import { toArray } from '../src/tensor/tensor.js'
import { encodeIdx, idxArrays } from './arbitraries/idx.js'
import { datasetLaws } from './laws/dataset.js'
import { drawingLaws } from './laws/drawing.js'
import { temporaryFolder } from './runs/temporary-folder.js'

const rightOf = <A>(result: E.Either<DataError, A>): A => {
  if (E.isLeft(result)) expect.fail(showDataError(result.left))
  return result.right
}

/** The sentence of a refusal. */
const refusalOf = (result: E.Either<DataError, unknown>): string =>
  E.isLeft(result) ? showDataError(result.left) : expect.fail('nothing was refused')

datasetLaws(
  'in memory',
  rightOf(inMemory({ pixels: [1, 2, 3, 4, 5, 6], labels: [1, 0, 2], inputShape: [2], classes: 3 })),
)
datasetLaws('drawn', drawDigits({ count: 5, key: key(1) }))
datasetLaws('without examples', drawDigits({ count: 0, key: key(1) }))

describe('datasets in memory', () => {
  const examples = fc
    .record({ count: fc.nat(6), shape: fc.constantFrom<readonly number[]>([2], [1, 2, 3]) })
    .chain(({ count, shape }) => {
      const pixel = fc.integer({ min: 0, max: 255 })
      return fc.record({
        shape: fc.constant(shape),
        pixels: fc.uint8Array({ minLength: count * sizeOf(shape), maxLength: count * sizeOf(shape) }),
        labels: fc.array(fc.nat(9), { minLength: count, maxLength: count }),
        mean: pixel.map((byte) => byte / 255),
        std: fc.double({ min: 0.1, max: 2, noNaN: true }),
      })
    })

  it('holds the pixels that it was given, normalised', () => {
    fc.assert(
      fc.property(examples, ({ shape, pixels, labels, mean, std }) => {
        const normalisation = { range: 255, mean, std }
        const data = rightOf(inMemory({ pixels, labels, inputShape: shape, classes: 10, normalisation }))
        const { input, target } = data.take(labels.map((_, i) => i))
        expect(toArray(target)).toEqual(labels)
        expect(toArray(input)).toEqual(Array.from(pixels, (byte) => Math.fround((byte / 255 - mean) / std)))
      }),
    )
  })

  it('copies: neither the caller nor an earlier batch can change it', () => {
    const pixels = Uint8Array.of(1, 2)
    const data = rightOf(inMemory({ pixels, labels: [0, 1], inputShape: [1], classes: 2 }))
    pixels.fill(255)
    ;(data.take([0, 1]).input.data as Float32Array).fill(7)
    expect(toArray(data.take([0, 1]).input)).toEqual([Math.fround(1 / 255), Math.fround(2 / 255)])
  })

  it.each([
    [{ pixels: [1, 2, 3], labels: [0, 1] }, /3 pixels for 2 labels/],
    [{ pixels: [1, 2], labels: [0, 3] }, /label 3 at example 1.*0 to 2/],
    [{ pixels: [1, 2], labels: [0, 0.5] }, /label 0.5/],
    [{ pixels: [1, Number.NaN], labels: [0, 1] }, /NaN in example 1/],
    [{ pixels: [1, 2], labels: [0, 1], normalisation: { range: 255, mean: 0, std: 0 } }, /std 0/],
  ])('refuses %j', (part, sentence) => {
    expect(refusalOf(inMemory({ inputShape: [1], classes: 3, ...part }))).toMatch(sentence)
  })
})

describe('IDX', () => {
  it('reads what was written, at any alignment', () => {
    fc.assert(
      fc.property(idxArrays, fc.nat(3), ({ type, shape, values }, shift) => {
        const bytes = encodeIdx(type, shape, values)
        const shifted = new Uint8Array(bytes.length + shift).subarray(shift)
        shifted.set(bytes)
        const { data, ...rest } = rightOf(parseIdx(shifted))
        expect(rest).toEqual({ type, shape })
        expect(Array.from(data)).toEqual(values)
      }),
    )
  })

  it('refuses every file that is too short or too long', () => {
    fc.assert(
      fc.property(idxArrays, fc.nat(), ({ type, shape, values }, cut) => {
        const bytes = encodeIdx(type, shape, values)
        expect(refusalOf(parseIdx(bytes.subarray(0, cut % bytes.length)))).toMatch(/found .* bytes; allowed: /)
        expect(refusalOf(parseIdx(Uint8Array.of(...bytes, 0)))).toMatch(/exactly/)
      }),
    )
  })

  it('never throws, and allocates no more than it was given', () => {
    const nearlyIdx = fc
      .tuple(fc.constantFrom(8, 9, 11, 12, 13, 14), fc.integer({ min: 1, max: 4 }), fc.uint8Array({ maxLength: 40 }))
      .map(([code, rank, rest]) => Uint8Array.of(0, 0, code, rank, ...rest))
    fc.assert(
      fc.property(fc.oneof(nearlyIdx, fc.uint8Array()), (bytes) => {
        const result = parseIdx(bytes)
        if (E.isRight(result)) expect(result.right.data.length).toBeLessThanOrEqual(bytes.length)
      }),
    )
  })

  it.each([
    [Uint8Array.of(0, 0, 8, 3, ...Array(12).fill(255)), /claims shape \[4294967295,4294967295,4294967295\]/],
    [Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 0, 255, 255, 255, 255), /claims shape \[0,4294967295\]/],
    [Uint8Array.of(0, 0, 8, 2, 0, 16, 0, 0, 0, 0, 4, 0), /found 12 bytes; allowed: exactly 1073741836/],
    [Uint8Array.of(0, 0, 8, 200, 0, 0, 0, 1), /200 axes/],
    [Uint8Array.of(0, 0, 10, 1, 0, 0, 0, 0), /0x0a/],
    [Uint8Array.from(Buffer.from('PK: not idx')), /first bytes 0x50 0x4b/],
  ])('refuses the absurd: %#', (bytes, sentence) => {
    expect(refusalOf(parseIdx(bytes))).toMatch(sentence)
  })

  it('reads through gzip what it reads without', async () => {
    await fc.assert(
      fc.asyncProperty(idxArrays, async ({ type, shape, values }) => {
        const bytes = encodeIdx(type, shape, values)
        expect(await decodeIdx(gzipSync(bytes))()).toEqual(parseIdx(bytes))
      }),
      { numRuns: 30 },
    )
  })

  it('refuses gzip that is cut, corrupt, or more than it says', async () => {
    const noise = Array.from({ length: 5000 }, (_, i) => (i * i * 31) % 251)
    const whole = gzipSync(encodeIdx('uint8', [5000], noise))
    for (const length of [2, 9, 20, whole.length >> 1, whole.length - 1])
      expect(refusalOf(await decodeIdx(whole.subarray(0, length))())).toMatch(/cannot be inflated/)
    const corrupt = Uint8Array.from(whole)
    corrupt.fill(77, 100, 140)
    expect(refusalOf(await decodeIdx(corrupt)())).toMatch(/found /)
    const bomb = gzipSync(Buffer.concat([encodeIdx('uint8', [9], Array(9).fill(0)), Buffer.alloc(5e7)]))
    expect(refusalOf(await decodeIdx(bomb)())).toMatch(/more compressed data than the header inside claims/)
    const hollow = gzipSync(encodeIdx('uint8', [30000, 1000, 50], []))
    expect(refusalOf(await decodeIdx(hollow)())).toMatch(/bytes; allowed: exactly 1500000016/)
    const vast = gzipSync(Buffer.concat([encodeIdx('uint8', [30000, 1000, 50], []), Buffer.alloc(5000)]))
    expect(refusalOf(await decodeIdx(vast)())).toMatch(/claims shape \[30000,1000,50\] of uint8 in \d+ compressed/)
  })
})

describe('a folder of IDX files', () => {
  let root = ''
  beforeAll(async () => {
    root = temporaryFolder()
  })

  const images = (n: number): Uint8Array => encodeIdx('uint8', [n, 2, 3], Array(6 * n).fill(51))
  const labels = (n: number): Uint8Array =>
    encodeIdx(
      'uint8',
      [n],
      Array.from({ length: n }, (_, i) => i % 10),
    )
  const good = {
    'train-images-idx3-ubyte': images(4),
    'train-labels-idx1-ubyte': labels(4),
    't10k-images-idx3-ubyte': images(2),
    't10k-labels-idx1-ubyte': labels(2),
  }
  let folders = 0

  /** Reads a folder that holds these files. */
  const read = async (
    files: Readonly<Record<string, Uint8Array | undefined>>,
    options?: IdxFolderOptions,
  ): Promise<E.Either<DataError, TrainAndTest>> => {
    const dir = join(root, `${folders++}`)
    await mkdir(dir)
    for (const [name, bytes] of Object.entries(files)) if (bytes !== undefined) await writeFile(join(dir, name), bytes)
    return readIdxFolder(dir, options)()
  }

  it.each([
    ['plain', (name: string) => name, (bytes: Uint8Array) => bytes],
    ['gzip', (name: string) => `${name}.gz`, gzipSync],
    ['with dots', (name: string) => name.replace('-idx', '.idx'), (bytes: Uint8Array) => bytes],
    ['with dots, gzip', (name: string) => `${name.replace('-idx', '.idx')}.gz`, gzipSync],
    ['gzip without .gz', (name: string) => name, gzipSync],
  ])('is read: %s', async (_, rename, encode) => {
    const files = Object.entries(good).map(([name, bytes]) => [rename(name), encode(bytes)] as const)
    const { train, test } = rightOf(await read(Object.fromEntries(files)))
    expect([train.length, test.length, train.inputShape, train.classes]).toEqual([4, 2, [1, 2, 3], 10])
    expect(toArray(train.take([3, 1]).target)).toEqual([3, 1])
    expect(toArray(test.take([0]).input)).toEqual(Array(6).fill(Math.fround(0.2)))
  })

  it('takes floats as they are, and normalises with the constants it was given', async () => {
    const files = { ...good, 'train-images-idx3-ubyte': encodeIdx('float32', [4, 2, 3], Array(24).fill(0.75)) }
    const { train, test } = rightOf(await read(files, { normalisation: { mean: 0.5, std: 0.5 } }))
    expect(toArray(train.take([0]).input)).toEqual(Array(6).fill(0.5))
    expect(toArray(test.take([0]).input)).toEqual(Array(6).fill(Math.fround((0.2 - 0.5) / 0.5)))
  })

  it.each([
    [{ 'train-labels-idx1-ubyte': undefined }, /train-labels-idx1-ubyte: there is no such file; looked for .*\.gz/],
    [{ 't10k-images-idx3-ubyte': images(2).subarray(0, 20) }, /t10k-images-idx3-ubyte: found 20 bytes; allowed: exac/],
    [{ 'train-labels-idx1-ubyte': labels(3) }, /train-labels-idx1-ubyte: found 3 labels; allowed: 4/],
    [
      { 'train-labels-idx1-ubyte': encodeIdx('uint8', [4], [0, 1, 10, 2]) },
      /label 10 at example 2; allowed: .* 0 to 9/,
    ],
    [{ 'train-labels-idx1-ubyte': encodeIdx('int32', [4], [0, 1, -1, 2]) }, /train-labels.*label -1 at example 2/],
    [{ 'train-labels-idx1-ubyte': images(4) }, /train-labels-idx1-ubyte: found uint8 of shape \[4,2,3\]/],
    [{ 'train-images-idx3-ubyte': labels(4) }, /train-images-idx3-ubyte: found uint8 of shape \[4\]/],
    [{ 'train-images-idx3-ubyte': encodeIdx('int16', [4, 1, 1], [1, 2, 3, 4]) }, /found int16/],
    [
      { 'train-images-idx3-ubyte': encodeIdx('float32', [4, 1, 1], [0, 1, Number.NaN, 1]) },
      /train-images-idx3-ubyte: found NaN in example 2; allowed: finite numbers/,
    ],
    [{ 't10k-images-idx3-ubyte': encodeIdx('uint8', [2, 1, 1], [1, 2]) }, /test images of shape \[1,1,1\]/],
    [{ 'train-images-idx3-ubyte': images(0), 'train-labels-idx1-ubyte': labels(0) }, /shape \[0,2,3\]/],
  ])('is refused in one sentence: %#', async (change, sentence) => {
    const refusal = refusalOf(await read({ ...good, ...change }))
    expect(refusal).toMatch(sentence)
    expect(refusal).toMatch(/^[^\n]+\.$/)
  })

  it('is refused when it is not there, or no folder', async () => {
    expect(refusalOf(await readIdxFolder(join(root, 'nowhere'))())).toMatch(/nowhere: there is no such folder/)
    await writeFile(join(root, 'file'), '')
    expect(refusalOf(await readIdxFolder(join(root, 'file'))())).toMatch(/file: this is a file/)
  })
})

/** A hand that never varies: what is left is the choice of the style. */
const machine: Handwriting = {
  ...handwriting,
  ...{ halfTurn: 0, slant: 0, shift: 0, jitter: 0, bend: 0, scraps: 0 },
  ...{
    height: [20, 20],
    aspect: [1, 1],
    radius: [1.2, 1.2],
    taper: [1, 1],
    softness: [1, 1],
    ink: [255, 255],
    noise: [0, 0],
  },
}

describe('drawn digits', () => {
  it('example i depends on the key and on i alone', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(5), fc.nat(5), (seed, count, more) => {
        const indices = Array.from({ length: count }, (_, i) => i)
        const [short, long] = [count, count + more].map((n) => drawDigits({ count: n, key: key(seed) }).take(indices))
        expect(long).toEqual(short)
        indices.forEach((i) => {
          const { pixels, label } = drawDigit(foldIn(i)(key(seed)))
          expect(label).toBe(short?.target.data[i])
          const drawn = short?.input.data as Float32Array
          expect(Array.from(pixels, (grey) => Math.fround(grey / 255))).toEqual(
            Array.from(drawn.subarray(784 * i, 784 * (i + 1))),
          )
        })
      }),
      { numRuns: 20 },
    )
  })

  it('the same bits everywhere', () => {
    const hash = createHash('sha256')
    for (let i = 0; i < 100; i++) {
      const { pixels, label } = drawDigit(foldIn(i)(key(2026)))
      hash.update(pixels as Uint8Array).update(Uint8Array.of(label))
    }
    expect(hash.digest('hex')).toBe('8eb8d4bffb6a59494661ab68f6e1cf4888f8115282be02510b5dc037a9734fea')
  })

  it('labels are equally likely: χ² of 4000, which exceeds 62 with probability 6e-10', () => {
    const counts = Array<number>(10).fill(0)
    for (let i = 0; i < 4000; i++) counts[drawDigit(foldIn(i)(key(7)), machine).label]!++
    expect(counts.reduce((sum, count) => sum + (count - 400) ** 2 / 400, 0)).toBeLessThan(62)
  })

  it('a hand that never varies draws each style of each class, apart from all others and off the edge', () => {
    const found = new Map<string, Set<number>>()
    for (let i = 0; i < 600; i++) {
      const { pixels, label } = drawDigit(foldIn(i)(key(3)), machine)
      const image = Array.from(pixels)
      found.set(image.join(), (found.get(image.join()) ?? new Set()).add(label))
      const edge = image.filter((_, at) => at < 28 || at >= 27 * 28 || at % 28 === 0 || at % 28 === 27)
      expect(Math.max(...edge)).toBe(0)
      expect(image.filter((grey) => grey > 200).length).toBeGreaterThan(20)
    }
    expect(found.size).toBe(30)
    for (const labels of found.values()) expect(labels.size).toBe(1)
  })

  it('the mean image of a class tells a digit better than chance, and not well', () => {
    const [train, test] = [1500, 500]
    const { input, target } = drawDigits({ count: train + test, key: key(5) }).take(Array.from(Array(2000).keys()))
    const means = Array.from({ length: 10 }, () => new Float64Array(784))
    const counts = Array<number>(10).fill(0)
    const pixel = (i: number, j: number): number => input.data[784 * i + j] as number
    for (let i = 0; i < train; i++) {
      const label = target.data[i] as number
      counts[label]!++
      for (let j = 0; j < 784; j++) means[label]![j]! += pixel(i, j)
    }
    let right = 0
    for (let i = train; i < train + test; i++) {
      const distances = means.map((mean, label) =>
        mean.reduce((sum, value, j) => sum + (value / counts[label]! - pixel(i, j)) ** 2, 0),
      )
      if (distances.indexOf(Math.min(...distances)) === target.data[i]) right++
    }
    expect(right / test).toBeGreaterThan(0.3)
    expect(right / test).toBeLessThan(0.8)
  })
})

drawingLaws()
