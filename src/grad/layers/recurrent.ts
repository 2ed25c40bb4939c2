/**
 * Recurrent layers: a cell along a sequence, in one or two directions, in one or more layers. n sample · t step ·
 * i input feature · h hidden feature.
 */
import type { Tensor } from '../../tensor/tensor.js'
import type { EmptyTree } from '../../tensor/tree.js'
import { inForm } from '../composition/form.js'
import { parallel } from '../composition/parallel.js'
import { sequential } from '../composition/sequential.js'
import { type AnyLayer, asLayer, type LayerRule } from '../layer.js'
import { type Cell, gruCell, lstmCell, plainCell } from './recurrent-cell.js'
import { type DirectionParams, direction } from './recurrent-direction.js'
import { maskAlone, withMask } from './sequence-mask.js'

/**
 * PyTorch's names: `weight_ih_l0` [gates·h, i], `weight_hh_l0` [gates·h, h], `bias_ih_l0` and `bias_hh_l0` [gates·h]; `l1`,
 * … for further layers, and `_reverse` after the name for the second direction.
 */
export type RecurrentParams = Readonly<Record<string, Tensor>>

/** The settings of `lstm` and `gru`. */
export interface RecurrentOptions {
  /** Default 1. The input of each but the first is the output of the one before. */
  readonly layers?: number
  /** A second direction, from the last step to the first, whose outputs stand beside those of the first. Default false. */
  readonly bidirectional?: boolean
  /** Default true: two biases for each direction. */
  readonly bias?: boolean
  /** Is the last feature of the input a mask, and of the output too? Default false. */
  readonly masked?: boolean
  /** Makes the layer that stands between two layers, for each such place: dropout (see `withDropout`). Default none. */
  readonly between?: () => LayerRule<EmptyTree, unknown>
}

/** The settings of `rnn`. */
export interface RnnOptions extends RecurrentOptions {
  /** Default tanh. */
  readonly nonlinearity?: 'tanh' | 'relu'
}

/** PyTorch's names for the parameters of a direction. */
const fields = [
  ['weightInput', 'weight_ih'],
  ['weightHidden', 'weight_hh'],
  ['biasInput', 'bias_ih'],
  ['biasHidden', 'bias_hh'],
] as const

/** [layer][0][direction] of parameters; what stands beside and between them has none. */
type Stacked = readonly (readonly [directions: readonly (DirectionParams | EmptyTree)[], ...EmptyTree[]])[]

const recurrent = (
  cell: Cell,
  hidden: number,
  { layers = 1, bidirectional = false, bias = true, masked = false, between }: RecurrentOptions,
): LayerRule<RecurrentParams, unknown> => {
  const directions = (bidirectional ? [false, true] : [false]).map((reverse) =>
    asLayer(direction(cell, { hidden, bias, reverse, masked })),
  )
  const branches = masked ? [...directions, asLayer(maskAlone)] : directions
  const one = asLayer(
    parallel({ combine: 'concatenate', axis: 1 })(...(branches as unknown as readonly [AnyLayer, ...AnyLayer[]])),
  )
  /** Is there a layer between this one and the next? */
  const followed = (l: number): boolean => between !== undefined && l < layers - 1
  const after = (l: number): readonly AnyLayer[] => {
    if (between === undefined || !followed(l)) return []
    return [masked ? asLayer(withMask(between())) : asLayer(between())]
  }
  const stack = sequential(
    ...Array.from({ length: layers }, (_, l) => asLayer(sequential(one, ...after(l)))),
  ) as unknown as LayerRule<Stacked, unknown>
  const words = [
    ...(layers > 1 ? [`${layers} layers`] : []),
    ...(bidirectional ? ['bidirectional'] : []),
    ...(masked ? ['masked'] : []),
  ]
  const suffix = (l: number, d: number): string => `_l${l}${d === 0 ? '' : '_reverse'}`
  return inForm<RecurrentParams, Stacked>({
    name: `${cell.name}(${[hidden, ...words].join(', ')})`,
    into: (params) =>
      Array.from({ length: layers }, (_, l) => {
        const own = directions.map(
          (_rule, d) =>
            Object.fromEntries(
              fields.flatMap(([field, name]) => {
                const leaf = params[name + suffix(l, d)]
                return leaf === undefined ? [] : [[field, leaf]]
              }),
            ) as unknown as DirectionParams,
        )
        return [masked ? [...own, {}] : own, ...(followed(l) ? [{}] : [])] as const
      }),
    from: (params) =>
      Object.fromEntries(
        params.flatMap(([layer], l) =>
          layer.flatMap((own, d) =>
            fields.flatMap(([field, name]) => {
              const leaf = (own as Partial<DirectionParams>)[field]
              return leaf === undefined ? [] : [[name + suffix(l, d), leaf] as const]
            }),
          ),
        ),
      ),
  })(stack)
}

/**
 * The plain recurrent layer; the output is the whole sequence, and the first state is 0.
 *
 *   hₜ = f(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh)      Gₜ = ∂ℓ/∂(what f is applied to)
 *   ‖g‖² = Σₛₜ (⟨xₛ, xₜ⟩ + ⟨hₛ₋₁, hₜ₋₁⟩ + 2) ⟨Gₛ, Gₜ⟩
 *
 * Shapes     x [n, t, i] → y [n, t, h], or [n, t, 2h] in two directions; a feature more in each where `masked`
 * Cost       one Gram of the gate cotangents for all four parameters of a direction, or its gradient where that is less
 * Guarantee  no norm is shorter, by rounding, than the sample's share of a weighted sum
 * Reference  Elman 1990; the Gram form as for `linear` (Li et al. 2022, arXiv:2110.05679)
 *
 * @example
 * rnn(4, { bidirectional: true }).init(key(0), [5, 3]).output // => [5, 8]
 */
export const rnn = (hidden: number, options: RnnOptions = {}): LayerRule<RecurrentParams, unknown> =>
  recurrent(plainCell(options.nonlinearity ?? 'tanh'), hidden, options)

/**
 * Long short-term memory; gates in the order i, f, g, o; the output is the whole sequence, and the first state is 0.
 *
 *   i, f, o = σ(W x + U h + b), g = tanh(W x + U h + b)     cₜ = f cₜ₋₁ + i g     hₜ = o tanh cₜ
 *
 * Shapes     x [n, t, i] → y [n, t, h], or [n, t, 2h] in two directions; weights [4h, i], [4h, h]; a feature more in
 *            input and output where `masked`
 * Cost       one Gram of the gate cotangents for all four parameters of a direction, or its gradient where that is less
 * Guarantee  no norm is shorter, by rounding, than the sample's share of a weighted sum
 * Reference  Hochreiter, Schmidhuber 1997; Gers, Schmidhuber, Cummins 2000 (forget gates)
 *
 * @example
 * Object.keys(lstm(4).init(key(0), [5, 3]).params) // => ['weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0', 'bias_hh_l0']
 */
export const lstm = (hidden: number, options: RecurrentOptions = {}): LayerRule<RecurrentParams, unknown> =>
  recurrent(lstmCell, hidden, options)

/**
 * Gated recurrent units; gates in the order r, z, n; the output is the whole sequence, and the first state is 0.
 *
 *   r, z = σ(W x + U h + b)     ñ = tanh(W_n x + b + r (U_n h + b'))     hₜ = (1 − z) ñ + z hₜ₋₁
 *
 * Shapes     x [n, t, i] → y [n, t, h], or [n, t, 2h] in two directions; weights [3h, i], [3h, h]; a feature more in
 *            input and output where `masked`
 * Cost       two Grams: the reset gate scales what W_hh sees, so its cotangents are not those of W_ih
 * Guarantee  no norm is shorter, by rounding, than the sample's share of a weighted sum
 * Reference  Cho et al. 2014, arXiv:1406.1078
 *
 * @example
 * gru(4, { layers: 2 }).init(key(0), [5, 3]).output // => [5, 4]
 */
export const gru = (hidden: number, options: RecurrentOptions = {}): LayerRule<RecurrentParams, unknown> =>
  recurrent(gruCell, hidden, options)
