/**
 * Small models, and the two forms of a clip, for steps on a GPU.
 */
import {
  avgPool2d,
  type BackendLoss,
  type Batch,
  conv2d,
  crossEntropy,
  crossEntropyOn,
  flatten,
  gelu,
  groupNorm,
  type LayerRule,
  type Loss,
  linear,
  maxPool2d,
  meanSquaredError,
  meanSquaredErrorOn,
  relu,
  sequential,
  tanh,
} from '../../src/grad/index.js'
import { autoS, type ClipRule, flatClip } from '../../src/privacy/index.js'
import { key, normal } from '../../src/sampling/index.js'
import type { Shape } from '../../src/tensor/shape.js'
import { type Tensor, tensor } from '../../src/tensor/tensor.js'
import type { Tree } from '../../src/tensor/tree.js'
import type { GpuClip } from '../../src/train/index.js'

export interface GpuModel {
  readonly name: string
  readonly rule: LayerRule<Tree, unknown>
  readonly input: Shape
  readonly loss: Loss
  readonly lossOn: BackendLoss
  readonly target: (n: number) => Tensor
}

const classes = (n: number): Tensor =>
  tensor(
    Array.from({ length: n }, (_, i) => i % 3),
    [n],
    'int32',
  )

export const mlp: GpuModel = {
  name: 'an MLP',
  rule: sequential(linear(7), tanh, linear(3)) as LayerRule<Tree, unknown>,
  input: [5],
  loss: crossEntropy,
  lossOn: crossEntropyOn,
  target: classes,
}

export const cnn: GpuModel = {
  name: 'a CNN',
  rule: sequential(
    conv2d(3, { kernel: 3, padding: 1 }),
    relu,
    maxPool2d({ kernel: 2 }),
    flatten,
    linear(3),
  ) as LayerRule<Tree, unknown>,
  input: [2, 6, 6],
  loss: crossEntropy,
  lossOn: crossEntropyOn,
  target: classes,
}

export const normalised: GpuModel = {
  ...cnn,
  name: 'a normalised CNN',
  rule: sequential(
    conv2d(4, { kernel: 3, padding: 1 }),
    groupNorm({ groups: 2 }),
    gelu,
    avgPool2d({ kernel: 2 }),
    flatten,
    linear(3),
  ) as LayerRule<Tree, unknown>,
}

export const regression: GpuModel = {
  name: 'a regression',
  rule: sequential(linear(2, { bias: false })) as LayerRule<Tree, unknown>,
  input: [4],
  loss: meanSquaredError,
  lossOn: meanSquaredErrorOn,
  target: (n) => normal([n, 2], 'float32')(key(5)),
}

export const gpuModels: readonly GpuModel[] = [mlp, cnn, normalised, regression]

/** What a device does, and what it means. */
export const gpuClips: readonly (readonly [GpuClip, ClipRule])[] = [
  [{ rule: 'flat', l2ClipNorm: 0.5 }, flatClip(0.5)],
  [{ rule: 'flat', l2ClipNorm: 100 }, flatClip(100)],
  [{ rule: 'automatic', l2ClipNorm: 2 }, autoS(2)],
  [{ rule: 'automatic', l2ClipNorm: 1, stability: 1 }, autoS(1, 1)],
]

/** n samples of a model. */
export const gpuBatch = ({ input, target }: GpuModel, n: number, seed: number): Batch => ({
  input: normal([n, ...input], 'float32')(key(seed)),
  target: target(n),
})
