/**
 * Preconditioned clipping: scale, clip, noise, unscale. Where coordinates differ in size, the noise follows them.
 */
import { zipTensorsWith } from '../../tensor/elementwise.js'
import { type Tree, zipTreesWith } from '../../tensor/tree.js'
import { broadcast } from '../../tensor/view.js'
import type { Released } from '../mechanism.js'

/**
 * Brings back a value that was clipped and noised in the scaled coordinates of `rescaled`: it is divided by the scale.
 *
 *   g̃ = (Σₙ clip(s ⊙ gₙ) + N(0, σ²C²)) / s
 *
 * Guarantee  post-processing: the event is unchanged. The scale must not depend on the batch at hand in any other way than through
 *            what was released before, such as s = 1/(√v + ε) with v a mean of squares of released gradients
 * Reference  Asi, Duchi, Fallah, Javidbakht, Talwar 2021, arXiv:2106.13756; Li, Zaheer, Reddi, Smith 2022, arXiv:2202.05963
 *
 * @example
 * // pipe(clippedGrad(loss, rescaled(scale)(model), flatClip(1))(params, batch), gaussian(sigma)(key), unscaled(scale))
 * toArray(unscaled({ w: scalar(4) })({ value: { w: tensor([2], [1]) }, event: Event.noOp }).value.w) // => [0.5]
 */
export const unscaled =
  (scale: Tree) =>
  <P extends Tree>({ value, event }: Released<P>): Released<P> => ({
    value: zipTreesWith((leaf, of) => zipTensorsWith((x, s) => x / s)(leaf, broadcast(leaf.shape)(of)))(value, scale),
    event,
  })
