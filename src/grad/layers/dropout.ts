/**
 * Dropout as a pure layer. n sample · m number of a sample.
 *
 * A mask is random, and a layer is a function. So the key is an argument of the model, and each sample brings the number
 * that it is known by: the mask of a sample follows from (key, number of the sample, place in the model) alone. However a
 * batch is cut or ordered, the same samples have the same masks.
 */
import { bernoulli, foldIn, type Key } from '../../sampling/index.js'
import type { Backend } from '../../tensor/backend/backend.js'
import { type Shape, ShapeEq, shapeError, sizeOf } from '../../tensor/shape.js'
import { allocate, scalar, size, type Tensor, toArray, unsafeTensor, zeros } from '../../tensor/tensor.js'
import type { EmptyTree, Tree } from '../../tensor/tree.js'
import { reshape, slice } from '../../tensor/view.js'
import { type LayerRule, layer, type Pullback, withoutParams } from '../layer.js'
import { join, packed } from '../pack.js'

/** A layer that drops each number with a probability, and divides those that stay by the probability that they do. */
export type Dropout = (rate: number) => LayerRule<EmptyTree, Tensor>

/** A model that drops numbers, as it is trained and as it is used. Both have the same parameters. */
export interface WithDropout<P extends Tree, C> {
  /**
   * The model under a key: one for each step, such as `foldIn(t)(dropoutKey)`. Its samples are vectors [1 + m], the number of
   * the sample before its own: see `numbered`.
   */
  readonly training: (key: Key) => LayerRule<P, DropoutCache<P, C>>
  /** The model without dropout, on plain samples. */
  readonly evaluation: LayerRule<P, C>
}

/** The model that the batch made, and its cache. */
export interface DropoutCache<P extends Tree, C> {
  readonly rule: LayerRule<P, C>
  readonly inner: C
}

const checkRate = (rate: number): number => {
  if (!(rate >= 0 && rate < 1))
    throw new RangeError(`dropout: the rate is ${rate}; allowed is 0 up to, not including, 1`)
  return rate
}

/** The layer that keeps everything. */
const keepAll: Dropout = (rate) =>
  withoutParams<Tensor>({
    name: `dropout(${checkRate(rate)})`,
    output: (input) => input,
    forward: (_backend, x) => [x, scalar(1)],
    backward: (_backend, _one, gy) => gy,
  })

/** May a sample be known by it? One that may not has masks of NaN, and adds nothing to a clipped sum: an error would name a batch. */
const isNumber = (sample: number): boolean => Number.isInteger(sample) && sample >= 0 && sample < 2 ** 49

/** Layers that drop under a key, for samples with these numbers. Each that is made has masks of its own. */
const keyed = (key: Key, samples: readonly number[]): Dropout => {
  let place = 0
  return (rate) => {
    const kept = 1 - checkRate(rate)
    const own = foldIn(place++)(key)
    const draw = bernoulli(kept)
    return withoutParams<Tensor>({
      name: `dropout(${rate})`,
      output: (input) => input,
      forward: (backend, x) => {
        const m = sizeOf(x.shape.slice(1))
        const mask = allocate(backend.dtype, samples.length * m)
        for (const [n, sample] of samples.entries()) {
          if (!isNumber(sample)) {
            mask.fill(Number.NaN, n * m, (n + 1) * m)
            continue
          }
          const drawn = draw([m])(foldIn(sample)(own))
          for (let i = 0; i < m; i++) mask[n * m + i] = (drawn.data[i] as number) / kept
        }
        const factor = unsafeTensor(mask, x.shape)
        return [backend.zip('mul', x, factor), factor]
      },
      backward: (backend, factor, gy) => backend.zip('mul', gy, factor),
    })
  }
}

/**
 * Samples with a number before each: [n, …] → [n, 1 + m], in the dtype of the samples. The number is that of the sample in
 * its data set (a whole number from 0; in float32, below 2²⁴), not its place in a batch.
 *
 * @throws ShapeError unless there is one number for each sample; RangeError for a number that the dtype cannot hold
 * @example
 * toArray(numbered([7, 9])(tensor([1, 2, 3, 4], [2, 2]))) // => [7, 1, 2, 9, 3, 4]
 */
export const numbered =
  (samples: Readonly<ArrayLike<number>>) =>
  (x: Tensor): Tensor => {
    const count = x.shape[0] as number
    if (samples.length !== count) throw shapeError('numbered: one number for each sample', [samples.length], x.shape)
    const m = count === 0 ? sizeOf(x.shape.slice(1)) : size(x) / count
    const values = toArray(x)
    const out = allocate(x.dtype, count * (m + 1))
    for (let n = 0; n < count; n++) {
      out[n * (m + 1)] = samples[n] as number
      if (out[n * (m + 1)] !== samples[n])
        throw new RangeError(`numbered: the number ${samples[n]} is none that ${x.dtype} can hold: cast the samples`)
      for (let i = 0; i < m; i++) out[n * (m + 1) + 1 + i] = values[n * m + i] as number
    }
    return unsafeTensor(out, [count, m + 1])
  }

/**
 * A model with dropout: the body is given `dropout`, and uses it where it likes. Each call makes a layer with masks of its
 * own; one layer used twice has one mask.
 *
 *   y = x ∘ mask / (1 − rate),   mask ~ Bernoulli(1 − rate), from (key, number of the sample, how many layers were made before)
 *
 * Shapes     training: x [n, 1 + m], of samples [m…] = `sample` → y as the body; evaluation: x [n, m…]
 * Cost       one keyed draw a number, in float64 JavaScript
 * Guarantee  a sample's mask depends on nothing but the key and its number: physical batches change nothing
 * Errors     ShapeError for samples of another size; RangeError for a rate outside of [0, 1). A number that is none makes its sample NaN
 * Reference  Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting"
 *
 * @example
 * const model = withDropout([3])((dropout) => sequential(linear(8), relu, dropout(0.5), linear(2)))
 * const { params } = model.evaluation.init(key(0), [3])
 * predict(model.training(key(1)))(params, numbered([0, 1])(zeros([2, 3]))).shape // => [2, 2]
 */
export const withDropout =
  (sample: Shape) =>
  <P extends Tree, C>(body: (dropout: Dropout) => LayerRule<P, C>): WithDropout<P, C> => {
    const evaluation = body(keepAll)
    const name = `withDropout(${evaluation.name})`
    const width = 1 + sizeOf(sample)
    const read = (backend: Backend, x: Tensor): readonly [samples: readonly number[], own: Tensor] => {
      const [n, found] = x.shape as readonly [number, number]
      if (x.shape.length !== 2 || found !== width) throw shapeError(`${name} needs [n, ${width}]`, x.shape, sample)
      const samples = toArray(slice({ axis: 1, start: 0, end: 1 })(x))
      return [samples, reshape([n, ...sample])(packed(backend, slice({ axis: 1, start: 1 })(x)))]
    }
    const withNumber = (backend: Backend, gx: Tensor): Tensor => {
      const n = gx.shape[0] as number
      return join(backend, 1, [zeros([n, 1], backend.dtype), reshape([n, width - 1])(packed(backend, gx))])
    }
    return {
      evaluation,
      training: (key) =>
        layer<P, DropoutCache<P, C>>({
          name,
          init: (k, input) => {
            if (!ShapeEq.equals(input, [width])) throw shapeError(`${name} needs [${width}]`, input, sample)
            return evaluation.init(k, sample)
          },
          forward: (backend, params, x) => {
            const [samples, own] = read(backend, x)
            const rule = body(keyed(key, samples))
            const [y, inner] = rule.forward(backend, params, own)
            return [y, { rule, inner }]
          },
          backward: (backend, params, { rule, inner }, gy) =>
            withNumber(backend, rule.backward(backend, params, inner, gy)),
          perSampleGrad: (backend, params, { rule, inner }, gy) => rule.perSampleGrad(backend, params, inner, gy),
          perSampleSquaredNorm: (backend, params, { rule, inner }, gy) =>
            rule.perSampleSquaredNorm(backend, params, inner, gy),
          weightedGrad: (backend, params, { rule, inner }, gy, weight) =>
            rule.weightedGrad(backend, params, inner, gy, weight),
          pullback: (backend, params, { rule, inner }, gy): Pullback<P> => {
            const pulled = rule.pullback(backend, params, inner, gy)
            return { ...pulled, inputGrad: () => withNumber(backend, pulled.inputGrad()) }
          },
        }),
    }
  }
