/**
 * Readers of archives, CIFAR, tables and arrays: what they read, and that they refuse the rest in one sentence.
 */
import { mkdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  type CifarOptions,
  type CsvSchema,
  cifarOnDisk,
  type DataError,
  datasetOfArrays,
  decodeNpz,
  decodeSafeTensors,
  encodeNpy,
  encodeNpz,
  encodeSafeTensors,
  gunzip,
  parseCifar,
  parseCsv,
  parseTar,
  readArrays,
  readCifar,
  showDataError,
} from '../src/data/index.js'
import { tensor, toArray, zeros } from '../src/tensor/index.js'
import { cifarPixel, cifarRecords, packTar } from './arbitraries/archive.js'
import { datasetLaws } from './laws/dataset.js'
import { temporaryFolder } from './runs/temporary-folder.js'

const rightOf = <A>(result: E.Either<DataError, A>): A => {
  if (E.isLeft(result)) expect.fail(showDataError(result.left))
  return result.right
}
const refusalOf = (result: E.Either<DataError, unknown>): string =>
  E.isLeft(result) ? showDataError(result.left) : expect.fail('nothing was refused')

/** Random bytes, and bytes that were cut or changed in one place. */
const damaged = (good: Uint8Array) =>
  fc.oneof(
    fc.uint8Array({ maxLength: 700 }),
    fc.nat(good.length - 1).map((length) => good.slice(0, length)),
    fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, change]) => {
      const bytes = good.slice()
      bytes[at] = (bytes[at] as number) ^ change
      return bytes
    }),
  )

/** Whatever the bytes, an answer and no exception; a refusal is one sentence. */
const answers = async (read: (bytes: Uint8Array) => unknown, bytes: Uint8Array): Promise<void> => {
  const result = (await read(bytes)) as E.Either<DataError, unknown>
  if (E.isLeft(result)) expect(showDataError(result.left)).toMatch(/^[^\n]*: found [^\n]*; allowed: [^\n]*\.$/)
}

const files = [
  { name: 'a/one.bin', content: Uint8Array.of(1, 2, 3) },
  { name: 'a/two.bin', content: new Uint8Array(600).fill(7) },
]
const archive = packTar([{ name: 'a/', content: new Uint8Array(0), kind: '5' }, ...files])
const cifar = cifarRecords([[3], [9], [0]])
const schema: CsvSchema = {
  columns: {
    age: { kind: 'number', mean: 40, std: 10 },
    colour: { kind: 'category', values: ['red', 'green', 'blue'] },
    name: { kind: 'ignored' },
    paid: { kind: 'label', classes: ['no', 'yes'] },
  },
}
const table = 'age,colour,name,paid\n30,red,"Ann, B.",no\n50.5,blue,,yes\n'
const arrays = { x: tensor([1, 2, 3, 4, 5, 6], [3, 2], 'float32'), y: tensor([0, 1, 1], [3], 'int32') }

describe('no input throws', () => {
  const readers: readonly (readonly [string, Uint8Array, (bytes: Uint8Array) => unknown])[] = [
    ['tar', archive, parseTar],
    ['gzip', gzipSync(archive), (bytes) => gunzip({ most: 1e6 })(bytes)()],
    ['CIFAR', cifar, (bytes) => parseCifar([bytes])],
    ['CSV', new TextEncoder().encode(table), (bytes) => parseCsv(schema)(bytes)()],
    ['NPZ', encodeNpz(arrays), decodeNpz],
    ['safetensors', encodeSafeTensors({ tensors: arrays, metadata: { a: 'b' } }), decodeSafeTensors],
  ]
  it.each(readers)('%s', async (_, good, read) => {
    expect(E.isRight((await read(good)) as E.Either<DataError, unknown>)).toBe(true)
    await fc.assert(
      fc.asyncProperty(damaged(good), (bytes) => answers(read, bytes)),
      { numRuns: 200 },
    )
  })
})

describe('tar', () => {
  it('gives files as views, and leaves folders out', () => {
    expect(rightOf(parseTar(archive)).map(({ name, content }) => [name, [...content]])).toEqual(
      files.map(({ name, content }) => [name, [...content]]),
    )
    expect(rightOf(parseTar(archive)).every(({ content }) => content.buffer === archive.buffer)).toBe(true)
  })

  it.each([
    ['a cut archive', archive.slice(0, 1600), /whole blocks|follow/],
    ['an archive cut between files', archive.slice(0, 1536), /without a block of zeros/],
    ['a link', packTar([{ name: 'b', content: new Uint8Array(0), kind: '2' }]), /b, an entry of kind 2/],
    [
      'a size that is not there',
      packTar([{ name: 'b', content: new Uint8Array(3), claimed: 2 ** 32 }]),
      /4294967296 bytes/,
    ],
    ['gzip', Uint8Array.from(gzipSync(archive)), /checksum|512/],
  ])('refuses %s', (_, bytes, sentence) => {
    expect(refusalOf(parseTar(bytes))).toMatch(sentence)
  })
})

describe('gzip', () => {
  const bomb = (length: number, claimed: number): Uint8Array => {
    const bytes = Uint8Array.from(gzipSync(new Uint8Array(length)))
    new DataView(bytes.buffer).setUint32(bytes.length - 4, claimed, true)
    return bytes
  }

  it('is undone', () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), async (content) => {
        expect(rightOf(await gunzip({ most: 3000 })(Uint8Array.from(gzipSync(content)))())).toEqual(content)
      }),
    ))

  it.each([
    ['a promise above the limit', bomb(2000, 2000), { most: 1999 }, /promise of 2000 bytes.*at most 1999/],
    ['a promise that no stream can hold', bomb(10, 2 ** 31), { most: 2 ** 32 }, /promise of 2147483648 bytes/],
    ['more than was promised', bomb(1e6, 10), { most: 1e7 }, /more content|cannot be inflated/],
    ['less than was promised', bomb(1000, 1001), { most: 1e7 }, /1000 bytes of content|cannot be inflated/],
  ])('refuses %s', async (_, bytes, limit, sentence) => {
    expect(refusalOf(await gunzip(limit)(bytes)())).toMatch(sentence)
  })
})

describe('files that claim their bytes many times over', () => {
  it('safetensors: two tensors of the same bytes', () => {
    const good = encodeSafeTensors({ tensors: { a: zeros([4]), b: zeros([4]) }, metadata: {} })
    const [length] = new Uint32Array(good.slice(0, 4).buffer)
    const header = new TextDecoder().decode(good.subarray(8, 8 + (length as number))).replace('[16,32]', '[0,16] ')
    const bytes = good.slice()
    bytes.set(new TextEncoder().encode(header), 8)
    expect(refusalOf(decodeSafeTensors(bytes.slice(0, -16)))).toMatch(/tensors of 32 bytes up to "b.*16 bytes of data/)
  })

  it('NPZ: two entries of the same bytes', () => {
    const one = encodeNpz({ a: zeros([64]), b: zeros([64]) })
    // Both entries of the directory point at the first file; the second file is left out.
    const directory = one.findIndex(
      (_, i) => one[i] === 0x50 && one[i + 1] === 0x4b && one[i + 2] === 1 && one[i + 3] === 2,
    )
    const entry = 46 + 'a.npy'.length
    const first = one.slice(0, directory / 2)
    const entries = [one.slice(directory, directory + entry), one.slice(directory, directory + entry)]
    ;(entries[1] as Uint8Array)[46] = 'b'.charCodeAt(0)
    const end = one.slice(directory + 2 * entry)
    new DataView(end.buffer).setUint32(16, first.length, true)
    const bytes = Uint8Array.from(Buffer.concat([first, ...entries, end]))
    expect(refusalOf(decodeNpz(bytes))).toMatch(/entries of \d+ bytes up to "b\.npy"/)
  })
})

describe('CIFAR', () => {
  const data = rightOf(parseCifar([cifar, cifarRecords([[5]])]))
  datasetLaws('CIFAR-10', data)

  it('is planes of bytes onto [0, 1], labels before them', () => {
    const { input, target } = data.take([3, 1])
    expect(toArray(target)).toEqual([5, 9])
    expect(toArray(input)).toEqual(
      [0, 1].flatMap((record) => Array.from({ length: 3072 }, (_, j) => Math.fround(cifarPixel(record, j) / 255))),
    )
  })

  it('is normalised channel by channel', () => {
    const normalisation = { mean: [0.4, 0.5, 0.6], std: [0.1, 0.2, 0.3] }
    const pixels = toArray(rightOf(parseCifar([cifar], { normalisation })).take([2]).input)
    for (const place of [0, 1023, 1024, 2047, 2048, 3071]) {
      const channel = Math.floor(place / 1024)
      const { mean, std } = normalisation
      expect(pixels[place]).toBe(
        Math.fround((cifarPixel(2, place) / 255 - (mean[channel] as number)) / (std[channel] as number)),
      )
    }
  })

  it('CIFAR-100 has two labels', () => {
    const records = cifarRecords([
      [19, 99],
      [0, 3],
    ])
    const targets = (labels: 'fine' | 'coarse') =>
      toArray(rightOf(parseCifar([records], { labels })).take([0, 1]).target)
    expect([targets('fine'), targets('coarse')]).toEqual([
      [99, 3],
      [19, 0],
    ])
    expect(refusalOf(parseCifar([cifarRecords([[20, 3]])], { labels: 'coarse' }))).toMatch(
      /label 20 in record 0.*0 to 19/,
    )
  })

  it.each<readonly [string, Uint8Array, CifarOptions, RegExp]>([
    ['no records', new Uint8Array(0), {}, /0 bytes.*records of 3073/],
    ['a record that is cut', cifar.slice(0, -1), {}, /9218 bytes/],
    ['a label of 10', cifarRecords([[3], [10]]), {}, /label 10 in record 1/],
    ['records of another kind', cifar, { labels: 'fine' }, /records of 3074/],
    ['a deviation of 0', cifar, { normalisation: { std: 0 } }, /std > 0/],
    ['two means', cifar, { normalisation: { mean: [0, 1] } }, /one or 3/],
  ])('refuses %s', (_, bytes, options, sentence) => {
    expect(refusalOf(parseCifar([bytes], options))).toMatch(sentence)
  })

  let dir = ''
  beforeAll(async () => {
    dir = temporaryFolder()
  })
  const batches = [
    ...[1, 2, 3, 4, 5].map((part) => ({ name: `data_batch_${part}.bin`, content: cifarRecords([[part], [part + 1]]) })),
    { name: 'test_batch.bin', content: cifarRecords([[7]]) },
  ]

  it('is read from the archive, its folder, and the folder of its files, to the same examples', async () => {
    const packed = join(dir, 'packed')
    const unpacked = join(dir, 'unpacked', 'cifar-10-batches-bin')
    await Promise.all([mkdir(packed), mkdir(unpacked, { recursive: true })])
    const inFolder = batches.map((file) => ({ ...file, name: `cifar-10-batches-bin/${file.name}` }))
    const path = join(packed, 'cifar-10-binary.tar.gz')
    await writeFile(path, gzipSync(packTar(inFolder)))
    for (const { name, content } of batches) await writeFile(join(unpacked, name), content)
    for (const source of [path, packed, unpacked, join(dir, 'unpacked')]) {
      const { train, test } = rightOf(await readCifar(source)())
      expect([train.length, test.length]).toEqual([10, 1])
      expect(toArray(train.take([0, 1, 8, 9]).target)).toEqual([1, 2, 5, 6])
    }
    expect(refusalOf(await readCifar(join(dir, 'nowhere'))())).toMatch(/nowhere: there is no such file or folder/)
    expect(refusalOf(await readCifar(unpacked, { labels: 'fine' })())).toMatch(/neither train.bin nor cifar-100/)
    await writeFile(path, gzipSync(packTar(inFolder.slice(1))))
    expect(refusalOf(await readCifar(path)())).toMatch(/no data_batch_1.bin in the archive/)
  })

  it('stays on disk', async () => {
    const paths = await Promise.all(
      batches.slice(0, 2).map(async ({ name, content }) => {
        await writeFile(join(dir, name), content)
        return join(dir, name)
      }),
    )
    const disk = rightOf(await cifarOnDisk(paths)())
    const memory = rightOf(parseCifar(batches.slice(0, 2).map(({ content }) => content)))
    fc.assert(
      fc.property(fc.array(fc.nat(3), { maxLength: 6 }), (indices) => {
        expect(disk.take(indices)).toEqual(memory.take(indices))
      }),
      { numRuns: 20 },
    )
    await truncate(paths[1] as string, 4000)
    expect(() => disk.take([3])).toThrow(/has become shorter/)
    expect(refusalOf(await cifarOnDisk(paths)())).toMatch(/data_batch_2.bin: found 4000 bytes/)
  })
})

describe('CSV', async () => {
  const data = rightOf(await parseCsv(schema)(table)())
  datasetLaws('a table', data)

  it('scales numbers, spreads categories, leaves out what is ignored', () => {
    expect([data.inputShape, data.classes]).toEqual([[4], 2])
    expect(toArray(data.take([0, 1]).input)).toEqual([-1, 1, 0, 0, Math.fround(1.05), 0, 0, 1])
    expect(toArray(data.take([0, 1]).target)).toEqual([0, 1])
  })

  it('what was written is read, whatever the names', async () => {
    const cell = fc.string({ minLength: 1, maxLength: 6 }).filter((text) => text.trim() !== '' && !text.includes('\0'))
    const rows = fc.uniqueArray(cell, { minLength: 2, maxLength: 5 }).chain((names) =>
      fc.record({
        names: fc.constant(names),
        rows: fc.array(fc.tuple(fc.nat(names.length - 1), fc.double({ noNaN: true, min: -1e30, max: 1e30 })), {
          minLength: 1,
        }),
      }),
    )
    const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`
    await fc.assert(
      fc.asyncProperty(rows, async ({ names, rows: records }) => {
        const text = ['class;x', ...records.map(([name, x]) => `${quoted(names[name] as string)};${x}`)].join('\r\n')
        const read = rightOf(
          await parseCsv({
            columns: { x: { kind: 'number' }, class: { kind: 'label', classes: names } },
            delimiter: ';',
          })(text)(),
        )
        const all = read.take(records.map((_, i) => i))
        expect(toArray(all.target)).toEqual(records.map(([name]) => name))
        expect(toArray(all.input)).toEqual(records.map(([, x]) => Math.fround(x + 0)))
      }),
    )
  })

  it('without a header, columns are in the order of the schema', async () => {
    const columns: CsvSchema['columns'] = { a: { kind: 'label', classes: 2 }, b: { kind: 'number' } }
    const read = rightOf(await parseCsv({ columns, header: false })('1,7\n0,8\n')())
    expect([toArray(read.take([0, 1]).target), toArray(read.take([0, 1]).input)]).toEqual([
      [1, 0],
      [7, 8],
    ])
    expect(rightOf(await parseCsv({ columns, header: false })('')()).length).toBe(0)
  })

  const label: CsvSchema['columns'][string] = { kind: 'label', classes: 2 }
  const numbers: CsvSchema = { columns: { x: { kind: 'number' }, y: label } }
  it.each<readonly [string, CsvSchema, string, RegExp]>([
    [
      'a value that is missing',
      schema,
      'age,colour,name,paid\n1,red,a,no\n,red,a,no\n',
      /nothing in line 3, column 'age'/,
    ],
    [
      'a name that is not in its list',
      schema,
      'age,colour,name,paid\n1,pink,a,no\n',
      /'pink' in line 2, column 'colour'; allowed: red, green, blue/,
    ],
    [
      'a class that is not in its list',
      schema,
      'age,colour,name,paid\n1,red,a,maybe\n',
      /'maybe' in line 2, column 'paid'; allowed: no, yes/,
    ],
    ['a number in words', numbers, 'x,y\none,1\n', /'one' in line 2, column 'x'; allowed: a finite number/],
    ['hexadecimal digits', numbers, 'x,y\n0x10,1\n', /'0x10'/],
    ['infinity', numbers, 'x,y\nInfinity,1\n', /'Infinity'/],
    ['a number beyond float32', numbers, 'x,y\n1e39,1\n', /'1e39'.*finite/],
    ['a class out of range', numbers, 'x,y\n1,2\n', /'2' in line 2, column 'y'; allowed: whole numbers from 0 to 1/],
    ['a class between two', numbers, 'x,y\n1,0.5\n', /'0.5'/],
    ['a record that is too short', numbers, 'x,y\n1,1\n1\n', /1 values in line 3/],
    ['a record that is too long', numbers, 'x,y\n1,1,1\n', /3 values in line 2/],
    ['a quote that is not closed', numbers, 'x,y\n"1,1\n', /[Qq]uote/],
    ['a column that the schema lacks', numbers, 'x,y,z\n1,1,1\n', /a column 'z'.*x, y/],
    ['a column that the table lacks', numbers, 'y\n1\n', /no column 'x'/],
    ['a column twice', numbers, 'x,y,x\n1,1,1\n', /two columns 'x'/],
    ['nothing', numbers, '', /no line/],
    ['a schema without a label', { columns: { x: { kind: 'number' } } }, 'x\n1\n', /0 columns of kind label/],
    ['a schema of two labels', { columns: { x: label, y: label } }, 'x,y\n1,1\n', /2 columns of kind label/],
    ['a schema without inputs', { columns: { y: label } }, 'y\n1\n', /no inputs/],
    [
      'a name twice',
      { columns: { x: { kind: 'number' }, y: { kind: 'label', classes: ['a', 'a'] } } },
      '',
      /twice in y/,
    ],
    ['a deviation of 0', { columns: { x: { kind: 'number', std: 0 }, y: label } }, '', /std > 0/],
    [
      'numbered columns without a header',
      { columns: { x: { kind: 'number' }, 0: label }, header: false },
      '',
      /a column '0'/,
    ],
  ])('refuses %s', async (_, columns, text, sentence) => {
    expect(refusalOf(await parseCsv(columns)(text)())).toMatch(sentence)
  })
})

describe('two arrays', () => {
  const pair = { inputs: arrays.x, labels: arrays.y }
  datasetLaws('of arrays', rightOf(datasetOfArrays({ classes: 2 })(pair)))

  it('bytes go onto [0, 1], grey images get a channel, labels may be a column', () => {
    const data = rightOf(
      datasetOfArrays({ classes: 3 })({
        inputs: tensor([0, 255, 51, 102], [2, 1, 2], 'uint8'),
        labels: tensor([2, 0], [2, 1], 'uint8'),
      }),
    )
    expect(data.inputShape).toEqual([1, 1, 2])
    expect(toArray(data.take([0, 1]).input)).toEqual([0, 1, 0.2, 0.4].map(Math.fround))
  })

  it.each([
    ['labels of another number', { ...pair, labels: zeros([2]) }, /shape \[2\].*\[3\]/],
    ['a label out of range', { ...pair, labels: tensor([0, 1, 2], [3]) }, /label 2 at example 2/],
    ['inputs of one axis', { ...pair, inputs: zeros([3]) }, /shape \[3\]/],
    ['an input that is none', { ...pair, inputs: tensor([1, 2, 3, 4, 5, Number.NaN], [3, 2]) }, /NaN in example 2/],
  ])('refuses %s', (_, wrong, sentence) => {
    expect(refusalOf(datasetOfArrays({ classes: 2 })(wrong))).toMatch(sentence)
  })

  it('are read from NPY files and from an archive', async () => {
    const dir = temporaryFolder()
    const paths = { inputs: join(dir, 'x.npy'), labels: join(dir, 'y.npy') }
    await Promise.all([
      writeFile(paths.inputs, encodeNpy(arrays.x)),
      writeFile(paths.labels, encodeNpy(arrays.y)),
      writeFile(join(dir, 'both.npz'), encodeNpz(arrays)),
    ])
    const both = { archive: join(dir, 'both.npz'), inputs: 'x', labels: 'y' }
    for (const where of [paths, both]) {
      const data = rightOf(await readArrays({ classes: 2 })(where)())
      expect(toArray(data.take([2]).input)).toEqual([5, 6])
    }
    expect(refusalOf(await readArrays({ classes: 2 })({ ...both, inputs: 'z' })())).toMatch(
      /both.npz: found no array z.*x, y/,
    )
    expect(refusalOf(await readArrays({ classes: 1 })(paths)())).toMatch(/x\.npy, the labels: found label 1/)
  })
})
