/**
 * Group normalisation and its adjoint, applied to generated inputs.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { Backend } from '../../src/tensor/backend/backend.js'
import { reference } from '../../src/tensor/backend/reference.js'
import { addTensors, mapTensor } from '../../src/tensor/elementwise.js'
import { size, type Tensor, tensor, toArray, zeros } from '../../src/tensor/tensor.js'
import { type Application, magnitude } from './application.js'
import { shapes, type TensorConstraints, tensorsOf } from './tensor.js'

type Normalised = ReturnType<Backend['groupNorm']>
type Derivatives = ReturnType<Backend['groupNormGrad']>

const epsilon = 1e-3

/** A number for each group of [n, c, …], at each element. */
const atElements = (x: Tensor, ofGroup: readonly number[]): readonly number[] => {
  const m = size(x) / Math.max(1, ofGroup.length)
  return Array.from({ length: size(x) }, (_, i) => ofGroup[Math.floor(i / m)] as number)
}

/** A number for each channel, at each element of [n, c, …]. */
const atChannels = (x: Tensor, ofChannel: readonly number[] | undefined, otherwise: number): readonly number[] => {
  const [n, c] = x.shape as readonly [number, number]
  const pixels = size(x) / Math.max(1, n * c)
  return Array.from({ length: size(x) }, (_, i) => ofChannel?.[Math.floor(i / pixels) % c] ?? otherwise)
}

/** Largest |x| of each group. */
const largest = (x: Tensor, groups: number): readonly number[] => {
  const found = new Array<number>((x.shape[0] as number) * groups).fill(0)
  const m = size(x) / Math.max(1, found.length)
  toArray(magnitude(x)).forEach((value, i) => {
    found[Math.floor(i / m)] = Math.max(found[Math.floor(i / m)] as number, value)
  })
  return found
}

/** One reading of `groupNorm`; how far rounding takes it is relative to the largest |x| of the group over its deviation. */
export const groupNorm = (
  reading: keyof Normalised,
  x: Tensor,
  groups: number,
  affine: { readonly weight?: Tensor | undefined; readonly bias?: Tensor | undefined },
): Application => {
  const named = (given: readonly Tensor[]): { readonly weight?: Tensor; readonly bias?: Tensor } => {
    const [first, second] = given as readonly [Tensor, Tensor]
    return {
      ...(affine.weight === undefined ? {} : { weight: first }),
      ...(affine.bias === undefined ? {} : { bias: affine.weight === undefined ? first : second }),
    }
  }
  const run = (backend: Backend, [x, ...given]: readonly Tensor[]): Normalised =>
    backend.groupNorm(x as Tensor, { groups, epsilon }, named(given))
  return {
    inputs: [x, affine.weight, affine.bias].filter((t) => t !== undefined),
    apply:
      (backend) =>
      (...inputs) =>
        run(backend, inputs)[reading],
    terms: (...inputs) => {
      const [x, ...given] = inputs as [Tensor, ...Tensor[]]
      const { weight, bias } = named(given)
      const { inverseDeviation } = run(reference, inputs)
      const inverses = toArray(inverseDeviation)
      const spreads = largest(x, groups).map((value, group) => value * (inverses[group] as number))
      if (reading === 'mean') return run(reference, [magnitude(x), ...given]).mean
      if (reading === 'inverseDeviation')
        return tensor(
          inverses.map((inverse, group) => inverse * (1 + (spreads[group] as number))),
          inverseDeviation.shape,
          'float64',
        )
      const normalised = toArray(magnitude(reference.groupNorm(x, { groups, epsilon }, {}).y))
      const [scale, shift] = [
        atChannels(x, weight && toArray(magnitude(weight)), 1),
        atChannels(x, bias && toArray(magnitude(bias)), 0),
      ]
      const error = atElements(x, spreads).map(
        (spread, i) => (scale[i] as number) * spread * (3 + (normalised[i] as number)) + (shift[i] as number),
      )
      return tensor(error, x.shape, 'float64')
    },
  }
}

/** One reading of `groupNormGrad`, for statistics that need not be those of x. */
export const groupNormGrad = (
  reading: keyof Derivatives,
  [x, gy, mean, inverseDeviation]: readonly [x: Tensor, gy: Tensor, mean: Tensor, inverseDeviation: Tensor],
  weight: Tensor | undefined,
): Application => {
  const run = (backend: Backend, inputs: readonly Tensor[]): Derivatives => {
    const [x, gy, mean, inverseDeviation, weight] = inputs as readonly [Tensor, Tensor, Tensor, Tensor, Tensor?]
    return backend.groupNormGrad(x, gy, weight, { mean, inverseDeviation })
  }
  return {
    inputs: [x, gy, mean, inverseDeviation, ...(weight === undefined ? [] : [weight])],
    apply:
      (backend) =>
      (...inputs) =>
        run(backend, inputs)[reading],
    terms: (...inputs) => {
      const [x, gy, mean, inverse, gamma] = inputs.map(magnitude) as [Tensor, Tensor, Tensor, Tensor, Tensor?]
      const about = addTensors(x, tensor(atElements(x, toArray(mean)), x.shape, 'float64'))
      const given = [about, gy, zeros(mean.shape, 'float64'), inverse, ...(gamma === undefined ? [] : [gamma])]
      const found = run(reference, given)
      if (reading !== 'gx') return found[reading]
      // the adjoint subtracts from the first term what the terms here add to it
      const [scale, inverses] = [atChannels(x, gamma && toArray(gamma), 1), atElements(x, toArray(inverse))]
      const gx = toArray(found.gx)
      const first = toArray(gy).map((g, i) => g * (scale[i] as number) * (inverses[i] as number))
      return tensor(
        first.map((value, i) => 2 * value - (gx[i] as number)),
        x.shape,
        'float64',
      )
    },
  }
}

/** Samples, channels by group, groups, and pixels. */
const groupings = fc.record({
  n: fc.nat(3),
  each: fc.integer({ min: 1, max: 3 }),
  groups: fc.integer({ min: 1, max: 3 }),
  pixels: shapes({ maxRank: 2, maxExtent: 5 }),
})

export const groupNorms =
  (reading: keyof Normalised) =>
  (constraints: TensorConstraints): Arbitrary<Application> =>
    groupings.chain(({ n, each, groups, pixels }) => {
      const affine = fc.option(tensorsOf([each * groups], constraints), { nil: undefined })
      return fc
        .tuple(tensorsOf([n, each * groups, ...pixels], constraints), affine, affine)
        .map(([x, weight, bias]) => groupNorm(reading, x, groups, { weight, bias }))
    })

export const groupNormGrads =
  (reading: keyof Derivatives) =>
  (constraints: TensorConstraints): Arbitrary<Application> =>
    groupings.chain(({ n, each, groups, pixels }) => {
      const [activation, statistic] = [
        tensorsOf([n, each * groups, ...pixels], constraints),
        tensorsOf([n, groups], constraints),
      ]
      return fc
        .tuple(
          fc.tuple(activation, activation, statistic, statistic),
          fc.option(tensorsOf([each * groups], constraints), { nil: undefined }),
        )
        .map(([operands, weight]) => groupNormGrad(reading, operands, weight))
    })

/** Statistics as they come of numbers: means and positive deviations. */
export const someStatistics = (mean: Tensor): readonly [mean: Tensor, inverseDeviation: Tensor] => [
  mean,
  mapTensor((value) => 0.5 + Math.abs(value))(mean),
]
