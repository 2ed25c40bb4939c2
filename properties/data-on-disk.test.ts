/**
 * Datasets that stay on disk are the ones in memory.
 */
import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Dataset, idxOnDisk, inMemory, showDataError } from '../src/data/index.js'
import { toArray } from '../src/tensor/index.js'
import { encodeIdx } from './arbitraries/idx.js'
import { temporaryFolder } from './runs/temporary-folder.js'

const right = <L, A>(either: E.Either<L, A>): A => {
  if (E.isLeft(either)) throw new Error(JSON.stringify(either.left))
  return either.right
}

let dir = ''
beforeAll(async () => {
  dir = temporaryFolder()
})

const write = async (name: string, bytes: Uint8Array): Promise<string> => {
  const path = join(dir, name)
  await writeFile(path, bytes)
  return path
}

const count = 7
const labels = [0, 3, 9, 1, 1, 0, 2]
const pixels = Array.from({ length: count * 6 }, (_, i) => (i * 37) % 256)

describe('a dataset on disk', () => {
  it.each(['uint8', 'int16', 'int32', 'float32', 'float64'] as const)(
    'gives the rows of the one in memory, in any order: %s',
    async (type) => {
      const [images, of] = await Promise.all([
        write(`images-${type}`, encodeIdx(type, [count, 2, 3], pixels)),
        write(`labels-${type}`, encodeIdx('uint8', [count], labels)),
      ])
      const normalisation = { range: 255, mean: 0.25, std: 0.5 }
      const disk = right(await idxOnDisk({ images, labels: of, normalisation })())
      const memory = right(inMemory({ pixels, labels, inputShape: [1, 2, 3], classes: 10, normalisation }))
      expect({ ...disk, take: 0 }).toEqual({ ...memory, take: 0 })
      fc.assert(
        fc.property(fc.array(fc.nat(count - 1), { maxLength: 12 }), (indices) => {
          const [a, b] = [disk.take(indices), memory.take(indices)]
          expect(a.input.shape).toEqual(b.input.shape)
          expect(toArray(a.input)).toEqual(toArray(b.input))
          expect(toArray(a.target)).toEqual(toArray(b.target))
        }),
        { numRuns: 20 },
      )
      expect(() => disk.take([count])).toThrow(`no example ${count}`)
    },
  )

  it('bytes go onto [0, 1] and floats stay as they are, unless told otherwise', async () => {
    const of = await write('two', encodeIdx('uint8', [2], [0, 1]))
    const first = async (images: string) => toArray(right(await idxOnDisk({ images, labels: of })()).take([1]).input)
    expect(await first(await write('bytes', encodeIdx('uint8', [2, 1], [0, 255])))).toEqual([1])
    expect(await first(await write('floats', encodeIdx('float64', [2, 1], [0, 0.5])))).toEqual([0.5])
  })

  it('refuses what is no dataset in one sentence that names the file', async () => {
    const of = await write('labels', encodeIdx('uint8', [count], labels))
    const images = await write('images', encodeIdx('uint8', [count, 2, 3], pixels))
    const refusal = async (fields: Parameters<typeof idxOnDisk>[0]): Promise<string> => {
      const opened: E.Either<Parameters<typeof showDataError>[0], Dataset> = await idxOnDisk(fields)()
      return E.isLeft(opened) ? showDataError(opened.left) : 'opened'
    }
    expect(await refusal({ images, labels: join(dir, 'nowhere') })).toMatch(/nowhere: cannot be read/)
    expect(await refusal({ images, labels: of, classes: 3 })).toMatch(/labels.*label 3/)
    const few = await write('few', encodeIdx('uint8', [count - 1, 6], pixels.slice(6)))
    expect(await refusal({ images: few, labels: of })).toMatch(/few: found images of shape \[6,6\]; allowed: 7 images/)
    const short = await write('short', encodeIdx('uint8', [count, 2, 3], pixels).slice(0, -1))
    expect(await refusal({ images: short, labels: of })).toMatch(/short: found \d+ bytes; allowed: exactly \d+/)
    expect(await refusal({ images: await write('gz', Uint8Array.of(31, 139, 8, 0)), labels: of })).toMatch(/gz: found/)
  })

  it('a file that becomes shorter is noticed when it is read', async () => {
    const of = await write('labels', encodeIdx('uint8', [count], labels))
    const images = await write('shrinking', encodeIdx('uint8', [count, 2, 3], pixels))
    const dataset = right(await idxOnDisk({ images, labels: of })())
    await truncate(images, 30)
    expect(() => dataset.take([count - 1])).toThrow('it has become shorter')
  })
})
