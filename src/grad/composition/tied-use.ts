/**
 * The uses of a shared matrix W [o, i]: what each computes, and the factors of its gradient. n sample · t position.
 */
import type { Backend } from '../../tensor/backend/backend.js'
import { type Shape, shapeError, sizeOf } from '../../tensor/shape.js'
import { type Tensor, zeros } from '../../tensor/tensor.js'
import { reshape, transpose } from '../../tensor/view.js'
import { rowsOfTable, tableGradients } from '../layers/embedding.js'
import { tokensOf } from '../layers/token-segments.js'
import { packedAs } from '../pack.js'

/** gW = Σₜ bₜ aₜᵀ with a [n, t, i], and b [n, t, o] or one-hot at `tokens` [n·t]. */
export type Factor =
  | { readonly a: Tensor; readonly b: Tensor }
  | { readonly a: Tensor; readonly b?: undefined; readonly tokens: Int32Array }

/** One way to use a matrix; its cache is its input. */
export interface MatrixUse {
  readonly output: (name: string, input: Shape) => Shape
  readonly forward: (backend: Backend, weight: Tensor, x: Tensor) => Tensor
  readonly inputGrad: (backend: Backend, weight: Tensor, x: Tensor, gy: Tensor) => Tensor
  readonly factor: (backend: Backend, x: Tensor, gy: Tensor) => Factor
}

/** Gradients of a table from the cotangents `a` of the rows at `tokens`. @internal */
export const oneHotRows = (
  backend: Backend,
  { a, tokens }: { readonly a: Tensor; readonly tokens: Int32Array },
  vocabulary: number,
): ReturnType<typeof tableGradients> => {
  const [n, t, features] = a.shape as readonly [number, number, number]
  return tableGradients(backend, { vocabulary, features }, { tokens, input: [n, t] }, a)
}

/** [n, …, f] as [n, t, f]. */
const byPosition = (backend: Backend, x: Tensor): Tensor =>
  packedAs(backend, [x.shape[0] as number, sizeOf(x.shape.slice(1, -1)), x.shape.at(-1) as number], x)

/** x M along the last axis. */
const times = (backend: Backend, x: Tensor, m: Tensor): Tensor => {
  const rows = packedAs(backend, [sizeOf(x.shape.slice(0, -1)), x.shape.at(-1) as number], x)
  return reshape([...x.shape.slice(0, -1), m.shape[1] as number])(backend.matmul(rows, m))
}

const along = (from: number, to: number) => (name: string, input: Shape) => {
  if (input.at(-1) !== from) throw shapeError(`${name}: the last axis is not ${from} long`, input)
  return [...input.slice(0, -1), to]
}

/** The three uses of W [rows, columns]. @internal */
export const matrixUses = (
  rows: number,
  columns: number,
): { readonly apply: MatrixUse; readonly transposed: MatrixUse; readonly embed: MatrixUse } => ({
  apply: {
    output: along(columns, rows),
    forward: (backend, weight, x) => times(backend, x, transpose()(weight)),
    inputGrad: (backend, weight, _x, gy) => times(backend, gy, weight),
    factor: (backend, x, gy) => ({ a: byPosition(backend, x), b: byPosition(backend, gy) }),
  },
  transposed: {
    output: along(rows, columns),
    forward: (backend, weight, x) => times(backend, x, weight),
    inputGrad: (backend, weight, _x, gy) => times(backend, gy, transpose()(weight)),
    factor: (backend, x, gy) => ({ a: byPosition(backend, gy), b: byPosition(backend, x) }),
  },
  embed: {
    output: (_name, input) => [...input, columns],
    forward: (backend, weight, x) => reshape([...x.shape, columns])(rowsOfTable(backend, weight, tokensOf(rows, x))),
    inputGrad: (backend, _weight, x) => zeros(x.shape, backend.dtype),
    factor: (backend, x, gy) => ({ a: byPosition(backend, gy), tokens: tokensOf(rows, x) }),
  },
})
