/**
 * The rectifier with a trained slope. n sample · c channel · m position of a channel.
 */
import { type Shape, shapeError } from '../../tensor/shape.js'
import { full, scalar, type Tensor } from '../../tensor/tensor.js'
import { reshape } from '../../tensor/view.js'
import { keepingPullback, type LayerRule, layer } from '../layer.js'

/** weight a: [1], or one slope for each channel [c]. */
export type PreluParams = { readonly weight: Tensor }

const zero = scalar(0)

/** [c] or [1] as […, 1, …], to meet [n, c, …]. */
const perChannel = (a: Tensor, { shape }: Tensor): Tensor => reshape([...a.shape, ...shape.slice(2).map(() => 1)])(a)

/**
 * x for x > 0, a·x else, with one slope or one for each channel (the first axis of a sample).
 *
 *   y = max(x, 0) + a min(x, 0)     ga = Σ gy min(x, 0) over the positions that share a slope
 *
 * Shapes     x [n, c, …] → y of the same shape; weight [1] or [c]
 * Cost       per-sample gradients are 1 or c numbers, and are kept
 * Reference  He, Zhang, Ren, Sun 2015, arXiv:1502.01852
 *
 * @example
 * prelu({ perChannel: true }).init(key(0), [3, 4]).params.weight.shape // => [3]
 */
export const prelu = ({
  perChannel: each = false,
  initial = 0.25,
}: {
  readonly perChannel?: boolean
  readonly initial?: number
} = {}): LayerRule<PreluParams, Tensor> => {
  const rule: LayerRule<PreluParams, Tensor> = layer({
    name: each ? 'prelu(per channel)' : 'prelu',
    init: (_key, input: Shape) => {
      const [channels] = input
      if (channels === undefined) throw shapeError('prelu needs [c, …]', input)
      return { params: { weight: full(initial, [each ? channels : 1]) }, output: input }
    },
    forward: (backend, { weight }, x) => {
      const below = backend.zip('mul', backend.zip('min', x, zero), perChannel(weight, x))
      return [backend.zip('add', backend.map('relu', x), below), x]
    },
    backward: (backend, { weight }, x, gy) => {
      const above = backend.zip('reluGrad', gy, x)
      return backend.zip('add', above, backend.zip('mul', backend.zip('sub', gy, above), perChannel(weight, x)))
    },
    perSampleGrad: (backend, { weight }, x, gy) => {
      const along = backend.zip('mul', gy, backend.zip('min', x, zero))
      const positions = gy.shape.slice(2).map((_, axis) => axis + 2)
      const channels = backend.sum(along, positions)
      return { weight: each ? channels : reshape([gy.shape[0] as number, ...weight.shape])(backend.sum(channels, [1])) }
    },
    pullback: (backend, params, x, gy) => keepingPullback(rule, backend, params, x, gy),
  })
  return rule
}
