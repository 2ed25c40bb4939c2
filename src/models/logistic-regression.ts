/**
 * The affine classifier.
 */
import { flatten, type LayerRule, linear, named } from '../grad/index.js'
import type { Tree } from '../tensor/tree.js'

/**
 * Multinomial logistic regression, with the cross entropy as its loss: one affine layer on the flattened input.
 *
 * Shapes  x [n, …] of d numbers a sample → y [n, classes]; classes · (d + 1) parameters
 * Cost    a norm is ‖gy‖ √(‖x‖² + 1): nothing is formed
 *
 * @example
 * logisticRegression({ classes: 10 }).init(key(0), [1, 28, 28]).params // => logisticRegression({ classes: 10 }).init(key(0), [784]).params
 */
export const logisticRegression = ({ classes }: { readonly classes: number }): LayerRule<Tree, unknown> =>
  named({ flatten, linear: linear(classes) })
