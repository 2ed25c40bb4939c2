/**
 * Batches for models: inputs, targets that a loss takes, and parameters.
 */
import fc, { type Arbitrary } from 'fast-check'
import {
  type AnyLayer,
  type Batch,
  binaryCrossEntropyWithLogits,
  crossEntropy,
  type Loss,
  meanSquaredError,
} from '../../src/grad/index.js'
import type { Shape } from '../../src/tensor/shape.js'
import { type Tensor, tensor } from '../../src/tensor/tensor.js'
import type { Tree } from '../../src/tensor/tree.js'
import { counts, models, paramsOf } from './layer.js'
import { noise, type TensorConstraints, tensorsOf } from './tensor.js'

/** A loss with the targets that it takes for predictions [n, k]. */
export interface LossCase {
  readonly name: string
  readonly loss: Loss
  readonly targets: (prediction: Shape) => Arbitrary<Tensor>
}

/** Numbers of unit scale; 0, ties and integers are common. */
export const unit: Arbitrary<number> = fc.oneof(
  fc.integer({ min: -2, max: 2 }),
  fc.double({ min: -2, max: 2, noNaN: true }),
)

const floats: TensorConstraints = { dtypes: ['float32', 'float64'], values: unit }

/** Inputs, cotangents, weights: unit scale, any layout. */
export const unitTensors = (shape: Shape): Arbitrary<Tensor> => tensorsOf(shape, floats)

/** Numbers without structure: no ties, no kinks. */
export const genericTensors = (shape: Shape): Arbitrary<Tensor> =>
  fc.nat(2 ** 20).map((seed) => noise(shape, { seed, dtype: 'float64' }))

export const lossCases: readonly LossCase[] = [
  {
    name: 'crossEntropy',
    loss: crossEntropy,
    targets: ([count = 0, classes = 0]) =>
      fc
        .array(fc.nat(classes - 1), { minLength: count, maxLength: count })
        .chain((labels) =>
          fc.constantFrom('int32', 'uint8', 'float32').map((dtype) => tensor(labels, [count], dtype as 'int32')),
        ),
  },
  { name: 'meanSquaredError', loss: meanSquaredError, targets: unitTensors },
  {
    name: 'binaryCrossEntropyWithLogits',
    loss: binaryCrossEntropyWithLogits,
    targets: (shape) =>
      tensorsOf(shape, { ...floats, values: fc.oneof(fc.nat(1), fc.double({ min: 0, max: 1, noNaN: true })) }),
  },
]

/** All that a gradient is computed from. */
export interface Problem {
  readonly name: string
  readonly loss: Loss
  readonly model: AnyLayer
  readonly params: Tree
  readonly batch: Batch
}

/** Models and losses of any kind with a batch for them. */
export const problems = ({
  samples = counts,
  inputs = unitTensors,
}: {
  readonly samples?: Arbitrary<number>
  readonly inputs?: (shape: Shape) => Arbitrary<Tensor>
} = {}): Arbitrary<Problem> =>
  fc.tuple(models, fc.constantFrom(...lossCases), samples).chain(([{ model, input, outputs }, lossCase, count]) =>
    fc
      .record({
        params: paramsOf(model, input),
        input: inputs([count, ...input]),
        target: lossCase.targets([count, outputs]),
      })
      .map(({ params, input: x, target }) => ({
        name: `${lossCase.name} of ${model.name}`,
        loss: lossCase.loss,
        model,
        params,
        batch: { input: x, target },
      })),
  )
