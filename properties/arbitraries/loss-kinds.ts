/**
 * Losses of every kind with targets that they take.
 */
import fc, { type Arbitrary } from 'fast-check'
import {
  absoluteError,
  crossEntropyWith,
  hinge,
  huber,
  klDivergence,
  type Loss,
  negativeLogLikelihood,
  tripletMargin,
} from '../../src/grad/index.js'
import type { Shape } from '../../src/tensor/shape.js'
import { sizeOf } from '../../src/tensor/shape.js'
import { at, type Tensor, tensor, toArray } from '../../src/tensor/tensor.js'
import { reshape } from '../../src/tensor/view.js'
import { logSoftmaxOf } from '../laws/log-softmax.js'
import { type LossCase, unitTensors } from './batch.js'

/** Labels [n, …] for predictions [n, …, k]; −1 among them where it is ignored. */
const labels =
  (ignores: boolean) =>
  (prediction: Shape): Arbitrary<Tensor> => {
    const [shape, classes] = [prediction.slice(0, -1), prediction.at(-1) as number]
    const size = sizeOf(shape)
    return fc
      .array(fc.integer({ min: ignores ? -1 : 0, max: classes - 1 }), { minLength: size, maxLength: size })
      .map((drawn) => tensor(drawn, shape, 'int32'))
  }

const signs = (shape: Shape): Arbitrary<Tensor> =>
  fc
    .array(fc.constantFrom(-1, 1), { minLength: sizeOf(shape), maxLength: sizeOf(shape) })
    .map((drawn) => tensor(drawn, shape))

/** All of the mass on one class. */
const certain = (shape: Shape): Arbitrary<Tensor> =>
  labels(false)(shape).map((drawn) => {
    const classes = shape.at(-1) as number
    return tensor(
      Array.from({ length: sizeOf(shape) }, (_, i) => Number(drawn.data[Math.floor(i / classes)] === i % classes)),
      shape,
    )
  })

/** A loss of [n, t, k] for laws that hand out [n, k]: one token each. */
const ofOneToken =
  (loss: Loss): Loss =>
  (prediction, target) => {
    const [n, k] = prediction.shape as readonly [number, number]
    const { value, cotangent } = loss(reshape([n, 1, k])(prediction), reshape([n, 1])(target))
    return { value, cotangent: reshape([n, k])(cotangent) }
  }

/** Of [n, k], each row x as the triple x, x/2 + 0.3, 0.2 − x. */
const anchored: Loss = (prediction, target) => {
  const [n, k] = prediction.shape as readonly [number, number]
  const all = toArray(prediction)
  const triples = Array.from({ length: n }, (_, i) => all.slice(i * k, (i + 1) * k)).flatMap((row) => [
    ...row,
    ...row.map((v) => 0.5 * v + 0.3),
    ...row.map((v) => 0.2 - v),
  ])
  const { value, cotangent } = tripletMargin({ margin: 0.7 })(tensor(triples, [n, 3, k], 'float64'), target)
  const pulled = all.map((_, i) => {
    const [anchor, positive, negative] = [0, 1, 2].map((part) => at(Math.floor(i / k), part, i % k)(cotangent))
    return (anchor as number) + 0.5 * (positive as number) - (negative as number)
  })
  return { value, cotangent: tensor(pulled, [n, k], 'float64') }
}

/** For the laws, which hand out predictions [n, k]. */
export const lossKinds: readonly LossCase[] = [
  { name: 'absoluteError', loss: absoluteError, targets: unitTensors },
  { name: 'huber', loss: huber(), targets: unitTensors },
  { name: 'huber of delta 0.3', loss: huber({ delta: 0.3 }), targets: unitTensors },
  { name: 'hinge', loss: hinge, targets: signs },
  { name: 'crossEntropyWith nothing', loss: crossEntropyWith(), targets: labels(false) },
  {
    name: 'crossEntropyWith everything',
    loss: crossEntropyWith({ labelSmoothing: 0.2, ignoreIndex: -1 }),
    targets: labels(true),
  },
  {
    name: 'crossEntropyWith, one token',
    loss: ofOneToken(crossEntropyWith({ labelSmoothing: 1 })),
    targets: labels(false),
  },
  {
    name: 'negativeLogLikelihood of a log-softmax',
    loss: logSoftmaxOf(negativeLogLikelihood({ ignoreIndex: -1 })),
    targets: labels(true),
  },
  { name: 'klDivergence of a log-softmax', loss: logSoftmaxOf(klDivergence), targets: certain },
  { name: 'tripletMargin', loss: anchored, targets: unitTensors },
]
