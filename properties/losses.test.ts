/**
 * Losses beyond those of `grad.test.ts`: the laws, and what is particular to each.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  absoluteError,
  crossEntropy,
  crossEntropyWith,
  hinge,
  huber,
  klDivergence,
  type Loss,
  meanSquaredError,
  negativeLogLikelihood,
  tripletMargin,
} from '../src/grad/index.js'
import { type Tensor, tensor, toArray, zeros } from '../src/tensor/tensor.js'
import { genericTensors, lossCases } from './arbitraries/batch.js'
import { lossKinds } from './arbitraries/loss-kinds.js'
import { expectNear } from './laws/closeness.js'
import { expectShapeError } from './laws/layer.js'
import { logSoftmaxOf } from './laws/log-softmax.js'
import { lossLaws } from './laws/loss.js'

const near = expectNear(1e-12)
const logits = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 4 })).chain(genericTensors)
const labelled = logits.chain((prediction) =>
  (lossCases[0] as (typeof lossCases)[number]).targets(prediction.shape).map((target) => ({ prediction, target })),
)
const same = (a: Loss, b: Loss, prediction: Tensor, target: Tensor): void =>
  near({ ...a(prediction, target) }, { ...b(prediction, target) })

describe('losses', () => {
  for (const lossCase of lossKinds) lossLaws(lossCase)

  it('cross entropy without options is crossEntropy, and negative log-likelihood of a log-softmax', () => {
    fc.assert(
      fc.property(labelled, ({ prediction, target }) => {
        same(crossEntropyWith(), crossEntropy, prediction, target)
        same(logSoftmaxOf(negativeLogLikelihood()), crossEntropy, prediction, target)
      }),
    )
  })
  it('KL divergence differs from cross entropy by the entropy of the target, which the gradient does not see', () => {
    const target = tensor([0.25, 0.75, 1, 0], [2, 2], 'float64')
    const { value, cotangent } = logSoftmaxOf(klDivergence)(tensor([1, 3, 0, 0], [2, 2], 'float64'), target)
    const total = Math.log(Math.exp(1) + Math.exp(3))
    const entropy = -(0.25 * Math.log(0.25) + 0.75 * Math.log(0.75))
    near(value, tensor([total - 0.25 - 0.75 * 3 - entropy, Math.log(2)], [2], 'float64'))
    near(cotangent, tensor([Math.exp(1 - total) - 0.25, Math.exp(3 - total) - 0.75, -0.5, 0.5], [2, 2], 'float64'))
  })
  it('class weights scale the loss of their class, and smoothing mixes in every class by its weight', () => {
    const classWeights = [1, 3]
    const prediction = tensor([0, 0, 0, 0], [2, 2], 'float64')
    const target = tensor([0, 1], [2], 'int32')
    const log2 = Math.log(2)
    near(crossEntropyWith({ classWeights })(prediction, target).value, tensor([log2, 3 * log2], [2], 'float64'))
    near(
      crossEntropyWith({ classWeights, labelSmoothing: 0.5 })(prediction, target).value,
      tensor([0.5 * log2 + 0.25 * 4 * log2, 0.5 * 3 * log2 + 0.25 * 4 * log2], [2], 'float64'),
    )
  })
  it('the loss of tokens is the mean over those that count, and 0 where none does', () => {
    fc.assert(
      fc.property(
        genericTensors([1, 3, 4]),
        fc.array(fc.integer({ min: -1, max: 3 }), { minLength: 3, maxLength: 3 }),
        (x, tokens) => {
          const loss = crossEntropyWith({ ignoreIndex: -1 })
          const { value, cotangent } = loss(x, tensor(tokens, [1, 3], 'int32'))
          const counted = tokens.flatMap((label, t) => (label < 0 ? [] : [[label, t] as const]))
          const each = counted.map(([label, t]) =>
            crossEntropy(tensor(toArray(x).slice(4 * t, 4 * t + 4), [1, 4], 'float64'), tensor([label], [1])),
          )
          const mean = each.reduce((sum, one) => sum + (toArray(one.value)[0] as number), 0) / Math.max(1, each.length)
          near(value, tensor([mean], [1], 'float64'))
          const gradient = tokens.flatMap((_, t) => {
            const found = counted.findIndex(([, token]) => token === t)
            return found < 0
              ? [0, 0, 0, 0]
              : toArray((each[found] as (typeof each)[number]).cotangent).map((g) => g / each.length)
          })
          near(cotangent, tensor(gradient, [1, 3, 4], 'float64'))
        },
      ),
    )
  })
  it('huber is half the squared error within delta; no cotangent is longer than delta', () => {
    fc.assert(
      fc.property(genericTensors([2, 3]), genericTensors([2, 3]), (y, t) => {
        near(
          huber({ delta: 10 })(y, t).value,
          tensor(
            toArray(meanSquaredError(y, t).value).map((v) => v / 2),
            [2],
            'float64',
          ),
        )
        const { cotangent } = huber({ delta: 0.1 })(y, t)
        for (const n of [0, 1])
          expect(Math.hypot(...toArray(cotangent).slice(3 * n, 3 * n + 3))).toBeLessThanOrEqual(0.1)
      }),
    )
  })
  it('a label that is no class has a loss and a gradient of NaN, and leaves the other samples theirs', () => {
    for (const label of [3, -1, 0.5, Number.NaN])
      for (const loss of [crossEntropyWith(), negativeLogLikelihood()]) {
        const { value, cotangent } = loss(zeros([2, 2, 3]), tensor([1, label, 0, 1], [2, 2]))
        const alone = loss(zeros([1, 2, 3]), tensor([0, 1], [1, 2]))
        expect(toArray(value)).toEqual([Number.NaN, ...toArray(alone.value)])
        expect(toArray(cotangent)).toEqual([...new Array(6).fill(Number.NaN), ...toArray(alone.cotangent)])
      }
  })
  it('options that are none are RangeErrors that name them', () => {
    expect(() => crossEntropyWith({ classWeights: [1] })(zeros([1, 3]), zeros([1]))).toThrow(/1 class weights for 3/)
    expect(() => crossEntropyWith({ labelSmoothing: 1.5 })).toThrow(/1.5/)
    expect(() => huber({ delta: 0 })).toThrow(/delta is 0/)
  })
  it('predictions and targets that do not fit are a ShapeError that names both', () => {
    for (const loss of [absoluteError, huber(), hinge, klDivergence]) {
      expectShapeError(() => loss(zeros([2, 3]), zeros([2])))
      expectShapeError(() => loss(zeros([]), zeros([])))
    }
    for (const loss of [crossEntropyWith(), negativeLogLikelihood()]) {
      expectShapeError(() => loss(zeros([2, 3]), zeros([3])))
      expectShapeError(() => loss(zeros([2, 4, 3]), zeros([2])))
    }
    expectShapeError(() => tripletMargin()(zeros([2, 2, 3]), zeros([2])))
    expectShapeError(() => tripletMargin()(zeros([2, 3, 3]), zeros([3])))
  })
})
