/**
 * `fp-dp data inspect`: what it finds in files of every kind, what it says is wrong, and the picture that it draws.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync, inflateSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fpDp } from '../src/cli/fp-dp.js'
import { arrayFinding } from '../src/cli/inspect/findings.js'
import { inspectBytes } from '../src/cli/inspect/inspect-bytes.js'
import { encodePng } from '../src/cli/inspect/png.js'
import { crc32, encodeNpy, encodeNpz, encodeSafeTensors } from '../src/data/index.js'
import { tensor } from '../src/tensor/index.js'
import { cifarRecords, packTar } from './arbitraries/archive.js'
import { encodeIdx } from './arbitraries/idx.js'
import { runInProcess } from './laws/in-process.js'
import { temporaryFolder } from './runs/temporary-folder.js'

const dir = temporaryFolder()
let folders = 0
const folderOf = (files: Readonly<Record<string, Uint8Array | string>>): string => {
  const path = join(dir, `${folders++}`)
  mkdirSync(path)
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content)
  return path
}
const inspect = (...argv: readonly string[]) => runInProcess(fpDp('0'), ['data', 'inspect', ...argv])

/** Pictures as their pixels say, read back by the definition of the format. */
const decodePng = (bytes: Uint8Array) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const chunks = new Map<string, Uint8Array>()
  for (let at = 8; at < bytes.length; ) {
    const length = view.getUint32(at)
    const named = bytes.subarray(at + 4, at + 8 + length)
    expect(view.getUint32(at + 8 + length)).toBe(crc32(named))
    chunks.set(new TextDecoder().decode(named.subarray(0, 4)), named.subarray(4))
    at += 12 + length
  }
  const header = chunks.get('IHDR') as Uint8Array
  const size = new DataView(header.buffer, header.byteOffset)
  const [width, height, channels] = [size.getUint32(0), size.getUint32(4), header[9] === 0 ? 1 : 3]
  const raw = inflateSync(chunks.get('IDAT') as Uint8Array)
  const row = width * channels
  const pixels = Uint8Array.from(
    { length: height * row },
    (_, i) => raw[Math.floor(i / row) * (row + 1) + 1 + (i % row)] as number,
  )
  return { width, height, channels, pixels }
}

const pixels = (count: number): readonly number[] => Array.from({ length: count * 12 }, (_, i) => (i * 37) % 256)
const idxFolder = (change: Readonly<Record<string, Uint8Array>> = {}): string =>
  folderOf({
    'train-images-idx3-ubyte.gz': gzipSync(encodeIdx('uint8', [6, 3, 4], pixels(6))),
    'train-labels-idx1-ubyte': encodeIdx('uint8', [6], [0, 1, 2, 0, 1, 2]),
    't10k-images-idx3-ubyte': encodeIdx('uint8', [3, 3, 4], pixels(3)),
    't10k-labels-idx1-ubyte': encodeIdx('uint8', [3], [0, 0, 2]),
    ...change,
  })

describe('what is found', () => {
  it('in a folder of IDX files', async () => {
    const { status, out } = await inspect(idxFolder({ 't10k-labels-idx1-ubyte': encodeIdx('uint8', [3], [0, 1, 0]) }))
    expect(out).toMatch(/train-images-idx3-ubyte\.gz: IDX, gzip · uint8 · \[6, 3, 4\] · from 0 to 249\n/)
    expect(out).toMatch(/train-labels-idx1-ubyte: IDX · uint8 · \[6\] · 3 classes of 2 each\n/)
    expect(out).toMatch(/t10k-labels-idx1-ubyte: IDX · uint8 · \[3\] · 2 classes: 0 × 2, 1 × 1\n/)
    expect(out).toMatch(
      /Nothing is wrong with it\.\nThese numbers are computed from the records, and are as private as they are/,
    )
    expect(status).toBe(0)
  })

  it('in tables, arrays, archives and models', async () => {
    const arrays = { x: tensor([1, 2, 3, 4, 5, 7], [3, 2]), y: tensor([0, 1, 1], [3], 'int32') }
    const path = folderOf({
      'a.csv': 'age,colour,free\n1,red,some text\n2.5,green,other\n',
      'b.npy': encodeNpy(arrays.x),
      'c.npz': encodeNpz(arrays),
      'd.safetensors': encodeSafeTensors({ tensors: arrays, metadata: {} }),
      'e.tar.gz': gzipSync(packTar([{ name: 'x/data_batch_1.bin', content: cifarRecords([[1], [0]]) }])),
      'notes.txt': 'nothing to see',
    })
    const { status, out } = await inspect(path, '--json')
    const { findings, problems } = JSON.parse(out)
    expect([status, problems]).toEqual([0, []])
    expect(findings.map(({ name, shape }: { name: string; shape: number[] }) => [name, shape])).toEqual([
      ['a.csv', [2, 3]],
      ['b.npy', [3, 2]],
      ['c.npz: x', [3, 2]],
      ['c.npz: y', [3]],
      ['d.safetensors: x', [3, 2]],
      ['d.safetensors: y', [3]],
      ['e.tar.gz: x/data_batch_1.bin', [2, 3, 32, 32]],
    ])
    expect(findings[0].columns[0]).toEqual({
      name: 'age',
      numbers: { least: 1, most: 2.5 },
      values: ['1', '2.5'],
      missing: 0,
    })
    expect(findings[3].classes).toEqual({ 0: 1, 1: 2 })
    const text = (await inspect(join(path, 'a.csv'))).out
    expect(text).toMatch(
      /a\.csv: CSV · 2 records of 3 columns\n {4}age: numbers from 1 to 2\.5, 2 of them different\n {4}colour: texts: red, green\n/,
    )
  })

  it.each<readonly [string, () => string, RegExp]>([
    [
      'another number of labels',
      () => idxFolder({ 'train-labels-idx1-ubyte': encodeIdx('uint8', [5], [0, 1, 2, 0, 1]) }),
      /! train-images\S+ has 6 images, and train-labels\S+ 5 labels/,
    ],
    ['a class without examples', () => idxFolder(), /! no label 1, though there is one of 2/],
    [
      'test images of another shape',
      () => idxFolder({ 't10k-images-idx3-ubyte': encodeIdx('uint8', [3, 4, 3], pixels(3)) }),
      /! images to train on have shape \[3,4\], those to test on \[4,3\]/,
    ],
    [
      'a file that is cut',
      () => idxFolder({ 't10k-images-idx3-ubyte': encodeIdx('uint8', [3, 3, 4], pixels(3)).slice(0, -1) }),
      /t10k-images-idx3-ubyte: IDX\n {2}! IDX data: found 51 bytes; allowed: exactly 52/,
    ],
    [
      'labels without images',
      () => folderOf({ 'train-labels-idx1-ubyte': encodeIdx('uint8', [2], [0, 1]) }),
      /! train has labels and no images/,
    ],
    [
      'numbers that are not finite',
      () => folderOf({ 'a.npy': encodeNpy(tensor([1, Number.NaN, Number.POSITIVE_INFINITY], [1, 3])) }),
      /! 2 numbers are not finite/,
    ],
    [
      'numbers that are all the same',
      () => folderOf({ 'a.npy': encodeNpy(tensor([3, 3], [1, 2])) }),
      /! all numbers are 3/,
    ],
    [
      'missing values',
      () => folderOf({ 'a.csv': 'a,b\n1,\n,2\n3,4,5\n' }),
      /! 1 records have another number.*\n {2}! column 'a' has 1 missing values\n {2}! column 'b' has 1 missing/,
    ],
    [
      'labels of CIFAR out of range',
      () => folderOf({ 'test_batch.bin': cifarRecords([[1], [10]]) }),
      /! labels 10, where there are 10 classes/,
    ],
    ['an empty folder', () => folderOf({}), /! there is no file of a known kind in the folder/],
    ['an unknown file', () => join(folderOf({ 'a.txt': 'hello' }), 'a.txt'), /! it is of no known kind: IDX, CIFAR/],
  ])('and what is wrong: %s', async (_, path, sentence) => {
    const { status, out } = await inspect(path())
    expect([status, out]).toEqual([1, expect.stringMatching(sentence)])
    expect(out).toMatch(/\d problems?\.\n/)
  })

  it('whatever the bytes, there is an answer', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(
          'a',
          'a.npy',
          'a.npz',
          'a.csv',
          'a.tar',
          'a.tar.gz',
          'a.safetensors',
          'test_batch.bin',
          'train.bin',
          'x-idx3-ubyte',
        ),
        fc.constantFrom<readonly number[]>(
          [],
          [0, 0, 8],
          [0x1f, 0x8b, 8],
          [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59],
          [0x50, 0x4b],
        ),
        fc.uint8Array({ maxLength: 400 }),
        async (name, first, rest) => {
          for (const { problems } of (await inspectBytes(name, Uint8Array.of(...first, ...rest))) ?? [])
            for (const problem of problems) expect(problem).not.toMatch(/\n|undefined/)
        },
      ),
    ))

  it('ranges and counts are those of the obvious loop', () =>
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant(Number.NaN)), { minLength: 1 }),
        (values) => {
          const { numbers, classes } = arrayFinding(
            { name: '', format: '', dtype: 'float64', shape: [values.length] },
            values,
          )
          const finite = values.filter(Number.isFinite)
          expect(numbers).toEqual({
            least: Math.min(...finite),
            most: Math.max(...finite),
            nonFinite: values.length - finite.length,
          })
          if (finite.length < values.length) expect(classes).toBeUndefined()
          else
            for (const label of values) expect(classes?.[label]).toBe(values.filter((other) => other === label).length)
        },
      ),
    ))
})

describe('the sheet', () => {
  it('PNG files hold the pixels that they were given', () =>
    fc.assert(
      fc.property(
        fc.constantFrom<1 | 3>(1, 3),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(),
        (channels, width, height, seed) => {
          const picture = {
            width,
            height,
            channels,
            pixels: Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 89 + seed) % 256),
          }
          expect(decodePng(encodePng(picture))).toEqual(picture)
        },
      ),
    ))

  it('has a row for each class, black to white', async () => {
    const to = join(dir, 'sheet.png')
    const { status, out } = await inspect(
      idxFolder({ 't10k-labels-idx1-ubyte': encodeIdx('uint8', [3], [0, 1, 2]) }),
      '--sheet',
      to,
    )
    expect([status, out]).toEqual([0, expect.stringMatching(/The first images of each class are in \S+sheet\.png\./)])
    const { width, height, channels, pixels: drawn } = decodePng(readFileSync(to))
    // Ten classes at most, of which three have two images of 3 × 4.
    expect([width, height, channels]).toEqual([2 + 12 * 6, 2 + 10 * 5, 1])
    const all = pixels(6)
    const [least, most] = [Math.min(...all), Math.max(...all)]
    const at = (row: number, column: number, y: number, x: number) =>
      drawn[(2 + 5 * row + y) * width + 2 + 6 * column + x]
    for (const [image, row, column] of [
      [0, 0, 0],
      [1, 1, 0],
      [5, 2, 1],
    ] as const)
      for (let i = 0; i < 12; i++) {
        const shown = at(row, column, Math.floor(i / 4), i % 4) as number
        expect(
          Math.abs(shown - (((all[image * 12 + i] as number) - least) * 255) / (most - least)),
        ).toBeLessThanOrEqual(0.51)
      }
    expect(at(0, 2, 0, 0)).toBe(255)
  })

  it('draws the images of one file, and of CIFAR in colours', async () => {
    const [one, colours] = [join(dir, 'one.png'), join(dir, 'colours.png')]
    await inspect(join(idxFolder(), 'train-images-idx3-ubyte.gz'), '--sheet', one)
    expect(decodePng(readFileSync(one)).width).toBe(2 + 12 * 6)
    const files = [1, 2, 3, 4, 5].map((part) => [`data_batch_${part}.bin`, cifarRecords([[part]])] as const)
    await inspect(folderOf({ ...Object.fromEntries(files), 'test_batch.bin': cifarRecords([[1]]) }), '--sheet', colours)
    expect(decodePng(readFileSync(colours)).channels).toBe(3)
  })

  it.each<readonly [readonly string[], number, RegExp]>([
    [[], 2, /<path> is missing: it must be a file or a folder/],
    [['/nowhere'], 2, /<path> must be a file or folder that is there, not '\/nowhere'/],
    [[dir, '--sheet', 'a.jpg'], 2, /--sheet must be the name of a file that ends in \.png, not 'a\.jpg'/],
    [[dir, '--sheet', 'a.png'], 1, /there are no images of one or three channels to draw/],
    [[dir, '--deep'], 2, /--deep is no flag of inspect/],
  ])('%j is refused', async (argv, wanted, sentence) => {
    const { status, err } = await inspect(...argv)
    expect([status, err]).toEqual([wanted, expect.stringMatching(sentence)])
  })
})
