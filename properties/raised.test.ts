/**
 * Tiny cotangents, of samples about which a model is all but sure: raised on their way back through float32, and nobody else's gradient
 * changes by a bit.
 */
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import {
  conv2d,
  crossEntropy,
  flatten,
  type Loss,
  linear,
  perSampleGrad,
  perSampleSquaredNorm,
  relu,
  sequential,
  weightedGrad,
} from '../src/grad/index.js'
import { raised } from '../src/grad/raised.js'
import { byLayer, clippedGrad, flatClip, perGroupClip } from '../src/privacy/index.js'
import { key } from '../src/sampling/index.js'
import { reference } from '../src/tensor/backend/reference.js'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { mapTensor } from '../src/tensor/elementwise.js'
import { full, type Tensor, tensor, toArray } from '../src/tensor/tensor.js'
import { leaves, mapTree } from '../src/tensor/tree.js'
import { slice } from '../src/tensor/view.js'
import { noise } from './arbitraries/tensor.js'
import { expectSameBits } from './laws/purity.js'

const backend = wasm({ threads: 1 })
afterAll(backend.close)

const float32 = { dtype: 'float32' } as const
const model = sequential(conv2d(8, { kernel: 3 }), relu, flatten, linear(6), relu, linear(3))
const { params } = model.init(key(0), [2, 6, 6])
const batch = { input: noise([4, 2, 6, 6]), target: tensor([0, 1, 2, 0], [4], 'int32') }

/** Cross entropy, the cotangent of each sample times a power of 2. */
const scaled =
  (powers: readonly number[]): Loss =>
  (prediction, target) => {
    const { value, cotangent } = crossEntropy(prediction, target)
    const numbers = toArray(cotangent).map((v, i) => v * 2 ** (powers[Math.floor(i / 3)] as number))
    return { value, cotangent: tensor(numbers, cotangent.shape, 'float64') }
  }

/** Relative to the largest, and to the smallest normal number of float32. */
const expectNear = (found: readonly number[], wanted: readonly number[], tolerance: number): void => {
  const most = Math.max(...wanted.map(Math.abs))
  for (const [i, want] of wanted.entries())
    expect(Math.abs((found[i] as number) - want)).toBeLessThanOrEqual(tolerance * most + 2 ** -126)
}

describe('a tiny cotangent', () => {
  const powers = fc.tuple(...[0, 1, 2, 3].map(() => fc.constantFrom(0, -30, -60, -110, -140, -200, -600)))

  it('is raised by powers of 2, row by row, and what then is not normal is 0', () => {
    const exponents = fc.integer({ min: -900, max: 20 })
    const rows = fc.array(fc.tuple(fc.double({ min: -1, max: 1, noNaN: true }), exponents), {
      minLength: 6,
      maxLength: 6,
    })
    fc.assert(
      fc.property(rows, (drawn) => {
        const numbers = drawn.map(([v, e]) => v * 2 ** e)
        const { cotangent, factor = full(1, [2], 'float64') } = raised(float32, tensor(numbers, [2, 3], 'float64'))
        const factors = toArray(factor)
        for (const [i, v] of toArray(cotangent).entries()) {
          const [f, row] = [factors[Math.floor(i / 3)] as number, numbers.slice(3 * Math.floor(i / 3)).slice(0, 3)]
          const largest = Math.max(...row.map(Math.abs))
          expect(Number.isInteger(Math.log2(f))).toBe(true)
          const isRaised = largest < 2 ** -40 && largest >= 2 ** -300
          // The logarithm of what is all but a power of 2 is rounded to it.
          if (isRaised) expect(largest / f).toBeGreaterThan(1 - 2 ** -40)
          else expect(f).toBe(1)
          if (isRaised) expect(Math.abs(v)).toBeLessThan(2)
          const exact = (numbers[i] as number) / f
          const isLost = largest < 2 ** -300 || Math.abs(exact) < 2 ** -126
          expect(v + 0).toBe(isLost ? 0 : exact)
        }
      }),
    )
  })
  it('is left alone in float64, and where it holds NaN or infinities', () => {
    const small = tensor([1e-200, 1e-300], [1, 2], 'float64')
    expect(raised({ dtype: 'float64' }, small)).toEqual({ cotangent: small })
    const odd = tensor([Number.NaN, 1e-60, Number.POSITIVE_INFINITY, 1], [2, 2], 'float64')
    const { cotangent, factor } = raised(float32, odd)
    expect(toArray(cotangent).map(Number.isNaN)).toEqual([true, false, false, false])
    expect(toArray(cotangent)[2]).toBe(Number.POSITIVE_INFINITY)
    expect(toArray(factor as Tensor)[1]).toBe(1)
  })
  it('has a norm, unless it is 0, whatever the clip makes of norms', () => {
    const small = mapTree((leaf) => mapTensor((v) => v * 2 ** -60)(leaf))(params)
    for (let power = 0; power >= -700; power -= 7) {
      const loss = scaled([power, power, power, power])
      const { squaredNorm } = perSampleSquaredNorm(loss, model, { backend })(small, batch)
      const ones = full(2 ** 100, [4], 'float64')
      const sum = weightedGrad(loss, model, { backend })(small, batch, ones).grad
      if (toArray(squaredNorm).every((s) => s === 0))
        expect(
          leaves(sum)
            .flatMap(toArray)
            .every((v) => v === 0),
        ).toBe(true)
    }
  })
  it('has the norms of the definition, far below what float32 can hold', () => {
    fc.assert(
      fc.property(powers, (exponents) => {
        const loss = scaled(exponents)
        const [found, wanted] = [backend, reference].map((b) =>
          toArray(perSampleSquaredNorm(loss, model, { backend: b })(params, batch).squaredNorm),
        ) as [number[], number[]]
        for (const [n, want] of wanted.entries()) {
          const held = (exponents[n] as number) >= -200
          expect(Math.abs((found[n] as number) - want)).toBeLessThanOrEqual(held ? 1e-4 * want : want)
        }
      }),
      { numRuns: 30 },
    )
  })
  it('leaves the bits of the other samples', () => {
    fc.assert(
      fc.property(fc.constantFrom(-60, -110, -140, -200), (power) => {
        const [alone, beside] = [
          [0, 0, 0, 0],
          [0, power, 0, power],
        ].map((exponents) => ({
          grad: perSampleGrad(scaled(exponents), model, { backend })(params, batch).grad,
          norms: perSampleSquaredNorm(scaled(exponents), model, { backend })(params, batch).squaredNorm,
        }))
        for (const n of [0, 2])
          expectSameBits(
            mapTree(slice({ axis: 0, start: n, end: n + 1 }))([alone?.grad, alone?.norms] as never),
            mapTree(slice({ axis: 0, start: n, end: n + 1 }))([beside?.grad, beside?.norms] as never),
          )
      }),
    )
  })
  it('adds to sums what the definition adds, clipped as a whole or by groups, kept or not', () => {
    fc.assert(
      fc.property(powers, (exponents) => {
        const loss = scaled(exponents)
        const numbers = (tree: unknown) => leaves(tree as never).flatMap(toArray)
        const weight = tensor([1, -2, 0.5, 3], [4], 'float64')
        for (const plan of ['bookKeeping', 'materialised'] as const) {
          const [sum, wantedSum] = [backend, reference].map((b) =>
            numbers(weightedGrad(loss, model, { backend: b, plan })(params, batch, weight).grad),
          ) as [number[], number[]]
          expectNear(sum, wantedSum, 1e-5)
          for (const clip of [flatClip(1e-3), perGroupClip({ l2ClipNorm: 1e-3, group: byLayer })]) {
            const [clipped, wanted] = [backend, reference].map((b) =>
              numbers(clippedGrad(loss, model, clip, { backend: b, plan })(params, batch).sum),
            ) as [number[], number[]]
            expectNear(clipped, wanted, 1e-4)
          }
        }
      }),
      { numRuns: 10 },
    )
  })
})
