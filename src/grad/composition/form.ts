/**
 * One layer in the clothes of another: parameters under other names or shapes, samples of another shape.
 */
import type { Key } from '../../sampling/key.js'
import type { Shape } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { Tree } from '../../tensor/tree.js'
import { reshape } from '../../tensor/view.js'
import { groupedReadings, groupedRows, isLabelled } from '../grouped.js'
import { type LayerRule, layer, type Pullback } from '../layer.js'
import { forwardThenOf } from '../then.js'
import { relabelled } from './position.js'

/** How the shape of a sample outside is one inside. */
export interface ShapeForm {
  /** Outer to inner. */
  readonly into: (shape: Shape) => Shape
  /** Inner to outer. */
  readonly from: (shape: Shape) => Shape
}

/**
 * How the outer layer's parameters P are the inner layer's Q. Both ways only move and reshape numbers; `lead` counts the
 * sample axes that precede those of a parameter: 1 for per-sample gradients, else 0.
 */
export interface Form<P extends Tree, Q extends Tree> {
  readonly name: string
  /** What the places of the inner layer's list are called, in messages about shapes. */
  readonly labels?: readonly string[]
  /** Outer parameters as inner ones. */
  readonly into: (params: P) => Q
  /** Inner parameters, or their gradients, as outer ones. */
  readonly from: (params: Q, lead: 0 | 1) => P
  /** Shapes of one sample; numbers keep their order. Default: the same. Throws a ShapeError. */
  readonly input?: ShapeForm
  /** Of the output. */
  readonly output?: ShapeForm
}

const same: ShapeForm = { into: (shape) => shape, from: (shape) => shape }

/** A change of the shape of each sample. */
const eachSample =
  (change: (sample: Shape) => Shape) =>
  (x: Tensor): Tensor =>
    reshape([x.shape[0] as number, ...change(x.shape.slice(1))])(x)

/**
 * The same function with parameters and samples in another form.
 *
 *   y = f(into θ, x)      g = from g_f: moving numbers about keeps norms, so nothing else changes
 *
 * Cost  that of the layer
 *
 * @example
 * const form: Form<{ w: Tensor }, LinearParams> = {
 *   name: 'w', into: ({ w }) => ({ weight: w }), from: ({ weight }) => ({ w: weight }),
 * }
 * Object.keys(inForm(form)(linear(2, { bias: false })).init(key(0), [3]).params) // => ['w']
 */
export const inForm =
  <P extends Tree, Q extends Tree>({ name, labels, into, from, input = same, output = same }: Form<P, Q>) =>
  <C>(rule: LayerRule<Q, C>): LayerRule<P, C> => {
    const [inputInto, inputFrom] = [eachSample(input.into), eachSample(input.from)]
    const [outputInto, outputFrom] = [eachSample(output.into), eachSample(output.from)]
    const forwardThen = forwardThenOf(rule)
    return layer<P, C>({
      name,
      init: (key: Key, shape: Shape) => {
        const inner = relabelled(labels, () => rule.init(key, input.into(shape)))
        return { params: from(inner.params, 0), output: output.from(inner.output) }
      },
      forward: (backend, params, x) => {
        const [y, cache] = rule.forward(backend, into(params), inputInto(x))
        return [outputFrom(y), cache]
      },
      ...(forwardThen === undefined
        ? {}
        : {
            forwardThen: (backend, params, x, op) => {
              const [y, cache] = forwardThen(backend, into(params), inputInto(x), op)
              return [outputFrom(y), cache]
            },
          }),
      backward: (backend, params, cache, gy) => inputFrom(rule.backward(backend, into(params), cache, outputInto(gy))),
      perSampleGrad: (backend, params, cache, gy) =>
        from(rule.perSampleGrad(backend, into(params), cache, outputInto(gy)), 1),
      perSampleSquaredNorm: (backend, params, cache, gy) =>
        rule.perSampleSquaredNorm(backend, into(params), cache, outputInto(gy)),
      weightedGrad: (backend, params, cache, gy, weight) =>
        from(rule.weightedGrad(backend, into(params), cache, outputInto(gy), weight), 0),
      pullback: (backend, params, cache, gy): Pullback<P> => {
        const pulled = rule.pullback(backend, into(params), cache, outputInto(gy))
        return {
          inputGrad: () => inputFrom(pulled.inputGrad()),
          perSampleGrad: () => from(pulled.perSampleGrad(), 1),
          squaredNorm: pulled.squaredNorm,
          weightedGrad: (weight) => from(pulled.weightedGrad(weight), 0),
          holds: () => pulled.holds?.(),
          grouped: (labels) => {
            const inner = into(labels as P)
            if (!isLabelled(inner)) return groupedRows(backend, labels, () => from(pulled.perSampleGrad(), 1))
            const { squaredNorms, weightedGrad } = groupedReadings(backend, pulled, inner)
            return { squaredNorms, weightedGrad: (weights) => from(weightedGrad(weights), 0) }
          },
        }
      },
    })
  }
