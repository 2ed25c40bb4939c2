/**
 * Sequences as images of height 1.
 */
import type { Shape } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import { reshape } from '../../tensor/view.js'

/** The weight under another shape. @internal */
export const weightIn = <P extends { readonly weight: Tensor }>(params: P, shape: (weight: Shape) => Shape): P => ({
  ...params,
  weight: reshape(shape(params.weight.shape))(params.weight),
})

/** […, l] as […, 1, l]. @internal */
export const addHeight = (shape: Shape): Shape => [...shape.slice(0, -1), 1, shape.at(-1) as number]

/** […, 1, l] as […, l]. @internal */
export const dropHeight = (shape: Shape): Shape => [...shape.slice(0, -2), shape.at(-1) as number]
