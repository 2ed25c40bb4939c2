/**
 * Features on disk: computed once, and never taken for others.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { datasetOfRows } from '../src/data/dataset.js'
import { decodeFeatures, encodeFeatures } from '../src/data/feature-cache.js'
import {
  cachedFeatures,
  type Dataset,
  examplesFrom,
  type FeatureProgress,
  type FeatureRecipe,
  inMemory,
  showDataError,
} from '../src/data/index.js'
import { mapTensor, type Tensor, tensor, toArray } from '../src/tensor/index.js'
import { slice } from '../src/tensor/view.js'
import { datasetLaws } from './laws/dataset.js'
import { temporaryFolder } from './runs/temporary-folder.js'

const right = <L, A>(either: E.Either<L, A>): A => {
  if (E.isLeft(either)) throw new Error(JSON.stringify(either.left))
  return either.right
}

const dataset = (count: number): Dataset =>
  right(
    inMemory({
      pixels: Array.from({ length: 3 * count }, (_, i) => (i * 37) % 256),
      labels: Array.from({ length: count }, (_, i) => i % 4),
      inputShape: [3],
      classes: 4,
    }),
  )

const all = ({ length }: Dataset): readonly number[] => Array.from({ length }, (_, i) => i)

/** The first two numbers of an example, doubled; counts the examples that it is asked for. */
const doubling = (description = 'doubled'): { readonly recipe: FeatureRecipe; readonly asked: () => number } => {
  let asked = 0
  return {
    asked: () => asked,
    recipe: {
      description,
      size: 2,
      features: (inputs) => {
        asked += inputs.shape[0] as number
        const doubled = mapTensor((x) => 2 * x)(slice({ axis: 1, start: 0, end: 2 })(inputs))
        return tensor(toArray(doubled), doubled.shape)
      },
    },
  }
}

const read = async (recipe: FeatureRecipe, dir: string, data: Dataset) => {
  const seen: FeatureProgress[] = []
  const features = right(await cachedFeatures(recipe, { dir, onProgress: (p) => seen.push(p) })(data)())
  return {
    features,
    last: seen.at(-1),
    refusals: seen.flatMap(({ refused }) => (refused ? [showDataError(refused)] : [])),
  }
}

describe('cached features', () => {
  it('are computed once, in files of 5,000 examples, and keep the labels', async () => {
    const [dir, data] = [temporaryFolder(), dataset(5003)]
    const { recipe, asked } = doubling()
    const first = await read(recipe, dir, data)
    expect(asked()).toBe(5003)
    expect(first.last).toEqual({ done: 5003, total: 5003, computed: 5003 })
    expect(readdirSync(dir).length).toBe(2)
    const again = await read(recipe, dir, data)
    expect(asked()).toBe(5003)
    expect(again.last).toEqual({ done: 5003, total: 5003, computed: 0 })
    const [a, b, raw] = [first.features, again.features, data].map((d) => d.take(all(data)))
    expect(toArray(b?.input as Tensor)).toEqual(toArray(a?.input as Tensor))
    expect(toArray(b?.target as Tensor)).toEqual(toArray(raw?.target as Tensor))
    expect(toArray(again.features.take([5002]).input)).toEqual(
      toArray(data.take([5002]).input)
        .slice(0, 2)
        .map((x) => Math.fround(2 * x)),
    )
    expect(again.features.inputShape).toEqual([2])
  })

  it('other inputs and other recipes have other files', async () => {
    const dir = temporaryFolder()
    const [one, other] = [doubling(), doubling('doubled, of another kind')]
    await read(one.recipe, dir, dataset(5))
    await read(one.recipe, dir, dataset(6))
    await read(other.recipe, dir, dataset(5))
    expect([one.asked(), other.asked()]).toEqual([11, 5])
    expect(readdirSync(dir).length).toBe(3)
  })

  it.each([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, -3), /found bytes .* allowed: 40 bytes within the file/],
    ['empty', () => Buffer.alloc(0), /found 0 bytes/],
    ['not of this format', () => Buffer.from('hello, this is no file of features'), /header/],
    [
      'changed in one bit',
      (bytes: Buffer) => Buffer.from(bytes.map((byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte))),
      /numbers that were changed/,
    ],
  ])('a file that is %s is refused in one sentence, and computed anew', async (_, damage, sentence) => {
    const [dir, data] = [temporaryFolder(), dataset(5)]
    const { recipe, asked } = doubling()
    const first = await read(recipe, dir, data)
    const path = join(dir, readdirSync(dir)[0] as string)
    const whole = readFileSync(path)
    writeFileSync(path, damage(whole))
    const again = await read(recipe, dir, data)
    expect(again.refusals.join('\n')).toMatch(sentence)
    expect(again.refusals.join('\n')).toContain(path)
    expect(asked()).toBe(10)
    expect(toArray(again.features.take(all(data)).input)).toEqual(toArray(first.features.take(all(data)).input))
    expect(readFileSync(path).equals(whole)).toBe(true)
  })

  it('a file of other features is refused, under whatever name', async () => {
    const features = tensor([1, 2, 3, 4], [2, 2])
    const bytes = await encodeFeatures('theirs', features)
    const refusal = async (source: string, shape: readonly number[]): Promise<string> => {
      const decoded = await decodeFeatures('a file', bytes, { source, shape })
      return E.isLeft(decoded) ? showDataError(decoded.left) : 'accepted'
    }
    expect(await refusal('theirs', [2, 2])).toBe('accepted')
    expect(await refusal('ours', [2, 2])).toMatch(/a file: found features of theirs; allowed: ours/)
    expect(await refusal('theirs', [4, 1])).toMatch(/\[2,2\].*\[4,1\]/)
  })

  it('a folder that cannot be made is a failure, a defect of the recipe is thrown', async () => {
    const dir = temporaryFolder()
    const file = join(dir, 'file')
    writeFileSync(file, '')
    const { recipe } = doubling()
    const failed = await cachedFeatures(recipe, { dir: join(file, 'below') })(dataset(1))()
    expect(E.isLeft(failed) ? showDataError(failed.left) : '').toMatch(/features cannot be kept there/)
    const broken: FeatureRecipe = {
      ...recipe,
      features: () => {
        throw new Error('a defect')
      },
    }
    await expect(cachedFeatures(broken, { dir })(dataset(1))()).rejects.toThrow('a defect')
  })
})

const rows = (): Dataset =>
  datasetOfRows({
    inputs: Float32Array.from({ length: 12 }, (_, i) => i),
    targets: Int32Array.of(0, 1, 2, 3, 0, 1),
    inputShape: [2],
    classes: 4,
  })
datasetLaws('of rows', rows())
datasetLaws('part of another', examplesFrom({ start: 1, end: 4 })(rows()))

describe('parts of a dataset', () => {
  it('have the examples between start and end, and no others', () => {
    const part = examplesFrom({ start: 1, end: 4 })(rows())
    expect(toArray(part.take([0, 2]).input)).toEqual([2, 3, 6, 7])
    expect(examplesFrom({ start: 3, end: 3 })(rows()).length).toBe(0)
  })

  it.each([
    [4, 3],
    [-1, 2],
    [0, 7],
    [0.5, 2],
  ])('there are no examples %d to %d of six', (start, end) => {
    expect(() => examplesFrom({ start, end })(rows())).toThrow(/no examples/)
  })
})

describe('datasets of rows', () => {
  it('runs are views, and say the same as copies', () => {
    const range = fc.tuple(fc.nat(6), fc.nat(6)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
    fc.assert(
      fc.property(range, ([start, end]) => {
        const data = rows()
        const run = data.take(Array.from({ length: end - start }, (_, i) => start + i))
        const copies = Array.from({ length: end - start }, (_, i) => data.take([start + i, start + i]))
        expect(toArray(run.input)).toEqual(copies.flatMap(({ input }) => toArray(input).slice(2)))
        expect(toArray(run.target)).toEqual(copies.flatMap(({ target }) => toArray(target).slice(1)))
      }),
    )
    const data = rows()
    expect((data.take([1, 2]).input.data as Float32Array).buffer).toBe(
      (data.take([3]).input.data as Float32Array).buffer,
    )
  })
})
