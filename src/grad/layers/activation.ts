/**
 * Elementwise activations. Those of which the backend has both run there; the rest are a function and its derivative, in float64.
 */
import type { BinaryOp, UnaryOp } from '../../tensor/backend/backend.js'
import { mapTensor, zipTensorsWith } from '../../tensor/elementwise.js'
import { cast, type Tensor } from '../../tensor/tensor.js'
import type { EmptyTree } from '../../tensor/tree.js'
import { type LayerRule, withoutParams } from '../layer.js'
import { mapsEachNumber } from '../then.js'

/** An activation whose derivative is a function of its output, which is all that is kept. */
const ofOutput = (op: UnaryOp, grad: BinaryOp): LayerRule<EmptyTree, Tensor> => {
  const rule = withoutParams({
    name: op,
    output: (input) => input,
    forward: (backend, x) => {
      const y = backend.map(op, x)
      return [y, y]
    },
    backward: (backend, y, gy) => backend.zip(grad, gy, y),
  })
  mapsEachNumber(rule, { op, grad })
  return rule
}

/** max(x, 0); at 0 the derivative is taken as 0. */
export const relu: LayerRule<EmptyTree, Tensor> = ofOutput('relu', 'reluGrad')

/** tanh x. Bounded, so per-sample norms stay small: often the better choice under privacy (Papernot et al. 2021, arXiv:2007.14191). */
export const tanh: LayerRule<EmptyTree, Tensor> = ofOutput('tanh', 'tanhGrad')

/** 1 / (1 + e⁻ˣ). */
export const sigmoid: LayerRule<EmptyTree, Tensor> = ofOutput('sigmoid', 'sigmoidGrad')

/**
 * An activation from a function of one number and its derivative, evaluated in float64 on any backend.
 *
 * @example
 * activation({ name: 'cube', value: (x) => x ** 3, derivative: (x) => 3 * x * x }).name // => 'cube'
 */
export const activation = ({
  name,
  value,
  derivative,
}: {
  readonly name: string
  readonly value: (x: number) => number
  readonly derivative: (x: number) => number
}): LayerRule<EmptyTree, Tensor> => {
  const [apply, pull] = [mapTensor(value), zipTensorsWith((g, x) => g * derivative(x))]
  return withoutParams({
    name,
    output: (input) => input,
    forward: (backend, x) => [apply(cast(backend.dtype)(x)), x],
    backward: (backend, x, gy) => pull(cast(backend.dtype)(gy), x),
  })
}

const logistic = (x: number): number => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)))
/** log(1 + eˣ) without overflow. */
const softplusOf = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))

/** x Φ(x), with Φ the standard normal distribution function (Hendrycks, Gimpel 2016, arXiv:1606.08415). */
export const gelu: LayerRule<EmptyTree, Tensor> = withoutParams({
  name: 'gelu',
  output: (input) => input,
  forward: (backend, x) => [backend.map('gelu', x), x],
  backward: (backend, x, gy) => backend.zip('geluGrad', gy, x),
})

const geluSlope = Math.sqrt(2 / Math.PI)
const geluInner = (x: number): number => geluSlope * (x + 0.044715 * x ** 3)

/** The tanh approximation of gelu: x (1 + tanh(√(2/π)(x + 0.044715 x³))) / 2. */
export const geluTanh: LayerRule<EmptyTree, Tensor> = activation({
  name: 'geluTanh',
  value: (x) => (x * (1 + Math.tanh(geluInner(x)))) / 2,
  derivative: (x) => {
    const t = Math.tanh(geluInner(x))
    return (1 + t) / 2 + (x * (1 - t * t) * geluSlope * (1 + 3 * 0.044715 * x * x)) / 2
  },
})

/** x σ(x), also called swish. */
export const silu: LayerRule<EmptyTree, Tensor> = activation({
  name: 'silu',
  value: (x) => x * logistic(x),
  derivative: (x) => logistic(x) * (1 + x * (1 - logistic(x))),
})

/** x for x > 0, α(eˣ − 1) else (Clevert, Unterthiner, Hochreiter 2016, arXiv:1511.07289). */
export const elu = (alpha = 1): LayerRule<EmptyTree, Tensor> =>
  activation({
    name: 'elu',
    value: (x) => (x > 0 ? x : alpha * Math.expm1(x)),
    derivative: (x) => (x > 0 ? 1 : alpha * Math.exp(x)),
  })

const [seluScale, seluAlpha] = [1.0507009873554805, 1.6732632423543772]

/** The self-normalising elu (Klambauer et al. 2017, arXiv:1706.02515). */
export const selu: LayerRule<EmptyTree, Tensor> = activation({
  name: 'selu',
  value: (x) => seluScale * (x > 0 ? x : seluAlpha * Math.expm1(x)),
  derivative: (x) => seluScale * (x > 0 ? 1 : seluAlpha * Math.exp(x)),
})

/** log(1 + eˣ). */
export const softplus: LayerRule<EmptyTree, Tensor> = activation({
  name: 'softplus',
  value: softplusOf,
  derivative: logistic,
})

/** x for x > 0, slope · x else. */
export const leakyRelu = (slope = 0.01): LayerRule<EmptyTree, Tensor> =>
  activation({
    name: 'leakyRelu',
    value: (x) => (x > 0 ? x : slope * x),
    derivative: (x) => (x > 0 ? 1 : slope),
  })

/** x tanh(softplus x) (Misra 2019, arXiv:1908.08681). */
export const mish: LayerRule<EmptyTree, Tensor> = activation({
  name: 'mish',
  value: (x) => x * Math.tanh(softplusOf(x)),
  derivative: (x) => {
    const t = Math.tanh(softplusOf(x))
    return t + x * (1 - t * t) * logistic(x)
  },
})

/** x within [−1, 1], the nearer end outside of it. */
export const hardtanh: LayerRule<EmptyTree, Tensor> = activation({
  name: 'hardtanh',
  value: (x) => Math.min(1, Math.max(-1, x)),
  derivative: (x) => (x > -1 && x < 1 ? 1 : 0),
})
