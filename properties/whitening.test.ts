/**
 * What features are whitened by: eigenvectors, dead leaves, moments, and the features themselves.
 */
import fc, { type Arbitrary } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { channelMoments, drawDeadLeaves, scatteringFeatures, whiten, whiteningOf } from '../src/data/index.js'
import { key, normal } from '../src/sampling/index.js'
import { reference } from '../src/tensor/backend/reference.js'
import {
  addTensors,
  cast,
  contiguous,
  mapSpectrum,
  mapTensor,
  slice,
  symmetricEigen,
  type Tensor,
  take,
  tensor,
  toArray,
  transpose,
  zipTensorsWith,
} from '../src/tensor/index.js'
import { noise } from './arbitraries/tensor.js'
import { expectEqual, expectNear } from './laws/closeness.js'
import { expectShapeError } from './laws/layer.js'

const times = reference.matmul
const near = expectNear(1e-13)

const identity = (size: number): Tensor =>
  tensor(
    Array.from({ length: size * size }, (_, at) => (at % (size + 1) === 0 ? 1 : 0)),
    [size, size],
    'float64',
  )

/** Symmetric matrices, dense, sparse, singular, with equal eigenvalues among them. */
const symmetric: Arbitrary<Tensor> = fc.integer({ min: 0, max: 7 }).chain((size) =>
  fc
    .array(fc.oneof(fc.integer({ min: -2, max: 2 }), fc.double({ min: -2, max: 2, noNaN: true })), {
      minLength: size * size,
      maxLength: size * size,
    })
    .map((numbers) => {
      const a = tensor(numbers, [size, size], 'float64')
      return zipTensorsWith((x, y) => (x + y) / 2)(a, contiguous(transpose()(a)))
    }),
)

describe('symmetric eigenvalue problems', () => {
  it('A V = V diag(λ), VᵀV = I, λ ascending', () => {
    fc.assert(
      fc.property(symmetric, (a) => {
        const { values, vectors } = symmetricEigen(a)
        const size = a.shape[0] as number
        near(times(a, vectors), zipTensorsWith((v, lambda) => v * lambda)(vectors, rowsOf(values, size)))
        near(times(transpose()(vectors), vectors), identity(size))
        expect(toArray(values)).toEqual(toArray(values).sort((x, y) => x - y))
      }),
    )
  })

  it('a function of a matrix: the identity, the square, and f(A) with the eigenvectors of A', () => {
    fc.assert(
      fc.property(symmetric, (a) => {
        near(mapSpectrum((value) => value)(a), a)
        near(mapSpectrum((value) => value * value)(a), times(a, a))
        const root = mapSpectrum((value) => Math.sqrt(1 + value * value))(a)
        near(times(root, root), addTensors(times(a, a), identity(a.shape[0] as number)))
      }),
    )
  })

  it('81 by 81, and small eigenvalues beside large ones', () => {
    const b = noise([81, 81], { dtype: 'float64' })
    const a = times(b, transpose()(b))
    const inverse = mapSpectrum((value) => 1 / value)(a)
    expectNear(1e-9)(times(a, inverse), identity(81))
    const graded = tensor([1e10, 1e-3, 1e-3, 1e-10], [2, 2], 'float64')
    // The product of the eigenvalues is 1 − 1e-6.
    const [small, large] = toArray(symmetricEigen(graded).values) as [number, number]
    expect(small * large).toBeCloseTo(1 - 1e-6, 12)
  })

  it('refuses what is not square, or not finite', () => {
    expectShapeError(() => symmetricEigen(noise([2, 3])))
    expect(() => symmetricEigen(tensor([Number.NaN], [1, 1]))).toThrow(/not finite/)
  })
})

/** A row over every row. */
const rowsOf = (row: Tensor, count: number): Tensor =>
  tensor(Array.from({ length: count }, () => toArray(row)).flat(), [count, row.shape[0] as number], 'float64')

describe('dead leaves', () => {
  const shape = [2, 9, 11] as const

  it('image i depends on (key, i) alone', () => {
    const many = drawDeadLeaves({ count: 5, shape, key: key(3) })
    expect(many.shape).toEqual([5, ...shape])
    expectEqual(take([0, 1])(many), drawDeadLeaves({ count: 2, shape, key: key(3) }))
    expect(toArray(drawDeadLeaves({ count: 2, shape, key: key(4) }))).not.toEqual(toArray(take([0, 1])(many)))
    expect(drawDeadLeaves({ count: 0, shape, key: key(3) }).shape).toEqual([0, ...shape])
  })

  it('leaves of uniform brightness cover the page: patches of one value, with edges between them', () => {
    const images = drawDeadLeaves({ count: 60, shape: [1, 28, 28], key: key(1) })
    const pixels = toArray(images)
    expect(Math.min(...pixels)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...pixels)).toBeLessThan(1)
    const mean = pixels.reduce((sum, pixel) => sum + pixel, 0) / pixels.length
    const variance = pixels.reduce((sum, pixel) => sum + (pixel - mean) ** 2, 0) / pixels.length
    // Some 50 leaves are to be seen in an image: 3000 in all, and the large ones count for more.
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.05)
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.02)
    const same = pixels.filter((pixel, at) => at % 28 < 27 && pixel === pixels[at + 1]).length / pixels.length
    expect(same).toBeGreaterThan(0.4)
    expect(same).toBeLessThan(0.95)
    // Values apart by a distance are alike the less the farther: leaves come in all sizes.
    const likeness = (distance: number): number =>
      pixels.filter((pixel, at) => at % 28 < 28 - distance && pixel === pixels[at + distance]).length / (28 - distance)
    expect(likeness(2)).toBeGreaterThan(likeness(6))
    expect(likeness(6)).toBeGreaterThan(likeness(14))
    expect(likeness(14)).toBeGreaterThan(0)
  })
})

describe('whitening', () => {
  /** Correlated channels [n, k, p] of very different scales. */
  const channels = (): Tensor => {
    const mix = tensor([1, 0, 0, 0.9, 0.01, 0, -3, 2, 5], [3, 3], 'float64')
    const z = normal([40, 3, 7])(key(2))
    return mapTensor((x) => x + 4)(times(mix, z))
  }

  it('channelMoments are means and covariances, by definition', () => {
    const x = channels()
    const { mean, covariance } = channelMoments(x)
    const vectors = toArray(transpose([0, 2, 1])(x))
    const count = vectors.length / 3
    for (let i = 0; i < 3; i++) {
      const mu = (k: number): number =>
        vectors.reduce((sum, value, at) => (at % 3 === k ? sum + value : sum), 0) / count
      expect(toArray(mean)[i]).toBeCloseTo(mu(i), 12)
      for (let j = 0; j < 3; j++) {
        let sum = 0
        for (let at = 0; at < vectors.length; at += 3)
          sum += ((vectors[at + i] as number) - mu(i)) * ((vectors[at + j] as number) - mu(j))
        expect(toArray(covariance)[3 * i + j]).toBeCloseTo(sum / count, 10)
      }
    }
    expectShapeError(() => channelMoments(noise([0, 3, 2])))
  })

  it('after it, means are 0 and the covariance is I − λ tr(Σ)/k W²', () => {
    const x = channels()
    const moments = channelMoments(x)
    for (const ridge of [1e-12, 0.01, 1]) {
      const whitening = whiteningOf(ridge)(moments)
      const { mean, covariance } = channelMoments(whiten(reference, whitening)(x))
      expectNear(1e-9)(mean, tensor([0, 0, 0], [3], 'float64'))
      const trace = [0, 4, 8].reduce((sum, at) => sum + (toArray(moments.covariance)[at] as number), 0)
      const square = times(whitening.matrix, whitening.matrix)
      const expected = zipTensorsWith((one, w) => one - ((ridge * trace) / 3) * w)(identity(3), square)
      expectNear(1e-6)(covariance, expected)
      if (ridge < 1e-9) expectNear(1e-6)(covariance, identity(3))
    }
  })

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses a ridge of %d', (ridge) => {
    expect(() => whiteningOf(ridge)(channelMoments(channels()))).toThrow(/ridge is .* finite number above 0/)
  })
})

describe('scattering features', () => {
  const { size, features, description } = scatteringFeatures({ inputShape: [1, 12, 12], key: key(7), leaves: 40 })
  const images = cast('float32')(normal([70, 1, 12, 12])(key(5)))

  it('are of unit length, with a constant behind them, each from its image alone', () => {
    const all = features(images)
    expect(all.shape).toEqual([70, size])
    for (const row of [0, 69]) {
      const values = toArray(slice({ axis: 0, start: row, end: row + 1 })(all))
      expect(values.at(-1)).toBeCloseTo(0.1, 7)
      expect(Math.hypot(...values.slice(0, -1))).toBeCloseTo(1, 6)
    }
    expectEqual(features(take([69, 3])(images)), take([69, 3])(all))
    expect(features(take([])(images)).shape).toEqual([0, size])
  })

  it('say what they are, and are others where the leaves are others', () => {
    expect(description).toMatch(/ridge 0.01 by 40 dead leaves from 0 7.*constant 0.1/)
    const other = scatteringFeatures({ inputShape: [1, 12, 12], key: key(8), leaves: 40 })
    expect(other.description).not.toBe(description)
    expect(toArray(other.features(take([1])(images)))).not.toEqual(toArray(features(take([1])(images))))
  })

  it('whiten: over dead leaves, channels are of one scale, where coefficients differ by orders of magnitude', () => {
    const leaves = drawDeadLeaves({ count: 40, shape: [1, 12, 12], key: key(7) })
    const plain = toArray(features(leaves))
    const positions = 9
    const deviations = Array.from({ length: 81 }, (_, k) => {
      const values = plain.filter((_, at) => at % size < 729 && Math.floor((at % size) / positions) === k)
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length
      return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
    })
    expect(Math.max(...deviations) / Math.min(...deviations)).toBeLessThan(10)
  })

  it('refuses what it cannot transform', () => {
    expectShapeError(() => scatteringFeatures({ inputShape: [1, 3, 3], key: key(0) }))
    expect(() => scatteringFeatures({ inputShape: [1, 9, 9], key: key(0), leaves: 0 })).toThrow(/leaves is 0/)
  })
})
