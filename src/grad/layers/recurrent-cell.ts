/**
 * Cells: one step of a recurrent layer, and the step back. n sample · h hidden feature.
 *
 * A step sees what the input says (i = W_ih x + b_ih) and what the state says (u = W_hh h + b_hh), both [n, gates·h], and
 * the state; gates are in PyTorch's order.
 */
import type { Backend } from '../../tensor/backend/backend.js'
import { scalar, type Tensor } from '../../tensor/tensor.js'
import { join, parted } from '../pack.js'

/** h, and whatever else a cell remembers: each [n, h]. */
export type State = readonly [Tensor, ...Tensor[]]

/** Cotangents of a state, where there are any. */
export type StateCotangent = readonly (Tensor | undefined)[]

/** What one step leaves for the step back. */
export type Kept = readonly Tensor[]

export interface Cell {
  readonly name: string
  /** How many blocks of h features i and u have. */
  readonly gates: number
  /** How many tensors the state has. */
  readonly states: number
  readonly step: (
    backend: Backend,
    i: Tensor,
    u: Tensor,
    state: State,
  ) => { readonly state: State; readonly kept: Kept }
  /**
   * From the cotangent of the new state: those of i, of u (undefined where it is that of i), and of the old state as far
   * as it does not pass through u.
   */
  readonly back: (
    backend: Backend,
    kept: Kept,
    cotangent: readonly [Tensor, ...StateCotangent],
  ) => { readonly i: Tensor; readonly u?: Tensor; readonly state: StateCotangent }
}

/** The blocks of a gate vector. */
const blocks = (count: number, x: Tensor): readonly Tensor[] =>
  parted(1, new Array<number>(count).fill((x.shape[1] as number) / count), x)

/** h' = f(i + u), f = tanh or relu. */
export const plainCell = (nonlinearity: 'tanh' | 'relu'): Cell => ({
  name: `rnn ${nonlinearity}`,
  gates: 1,
  states: 1,
  step: (backend, i, u) => {
    const h = backend.map(nonlinearity, backend.zip('add', i, u))
    return { state: [h], kept: [h] }
  },
  back: (backend, [h], [gh]) => ({ i: backend.zip(`${nonlinearity}Grad`, gh, h as Tensor), state: [undefined] }),
})

/** i, f, o = σ(…), g = tanh(…) of i + u; c' = f c + i g; h' = o tanh c' (Hochreiter, Schmidhuber 1997, with forget gates). */
export const lstmCell: Cell = {
  name: 'lstm',
  gates: 4,
  states: 2,
  step: (backend, input, u, [, c]) => {
    const [ai, af, ag, ao] = blocks(4, backend.zip('add', input, u)) as readonly [Tensor, Tensor, Tensor, Tensor]
    const [i, f, g, o] = [
      backend.map('sigmoid', ai),
      backend.map('sigmoid', af),
      backend.map('tanh', ag),
      backend.map('sigmoid', ao),
    ]
    const kept = backend.zip('add', backend.zip('mul', f, c as Tensor), backend.zip('mul', i, g))
    const squashed = backend.map('tanh', kept)
    return { state: [backend.zip('mul', o, squashed), kept], kept: [i, f, g, o, c as Tensor, squashed] }
  },
  back: (backend, kept, [gh, gcLater]) => {
    const [i, f, g, o, c, squashed] = kept as readonly [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]
    const here = backend.zip('tanhGrad', backend.zip('mul', gh, o), squashed)
    const gc = gcLater === undefined ? here : backend.zip('add', here, gcLater)
    const gates = join(backend, 1, [
      backend.zip('sigmoidGrad', backend.zip('mul', gc, g), i),
      backend.zip('sigmoidGrad', backend.zip('mul', gc, c), f),
      backend.zip('tanhGrad', backend.zip('mul', gc, i), g),
      backend.zip('sigmoidGrad', backend.zip('mul', gh, squashed), o),
    ])
    return { i: gates, state: [undefined, backend.zip('mul', gc, f)] }
  },
}

/** r, z = σ(i + u); ñ = tanh(i_n + r u_n); h' = (1 − z) ñ + z h (Cho et al. 2014, arXiv:1406.1078, as PyTorch has it). */
export const gruCell: Cell = {
  name: 'gru',
  gates: 3,
  states: 1,
  step: (backend, input, u, [h]) => {
    const [ir, iz, candidate] = blocks(3, input) as readonly [Tensor, Tensor, Tensor]
    const [ur, uz, un] = blocks(3, u) as readonly [Tensor, Tensor, Tensor]
    const r = backend.map('sigmoid', backend.zip('add', ir, ur))
    const z = backend.map('sigmoid', backend.zip('add', iz, uz))
    const fresh = backend.map('tanh', backend.zip('add', candidate, backend.zip('mul', r, un)))
    const next = backend.zip(
      'add',
      backend.zip('mul', backend.zip('sub', scalar(1), z), fresh),
      backend.zip('mul', z, h),
    )
    return { state: [next], kept: [r, z, fresh, h, un] }
  },
  back: (backend, kept, [gh]) => {
    const [r, z, fresh, h, un] = kept as readonly [Tensor, Tensor, Tensor, Tensor, Tensor]
    const gn = backend.zip('tanhGrad', backend.zip('mul', gh, backend.zip('sub', scalar(1), z)), fresh)
    const gz = backend.zip('sigmoidGrad', backend.zip('mul', gh, backend.zip('sub', h, fresh)), z)
    const gr = backend.zip('sigmoidGrad', backend.zip('mul', gn, un), r)
    return {
      i: join(backend, 1, [gr, gz, gn]),
      u: join(backend, 1, [gr, gz, backend.zip('mul', gn, r)]),
      state: [backend.zip('mul', gh, z)],
    }
  },
}
