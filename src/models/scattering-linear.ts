/**
 * Linear classifiers on scattering coefficients.
 */
import { flatten, groupNorm, type LayerRule, linear, named, scattering2d } from '../grad/index.js'
import { type Tensor, zeros } from '../tensor/tensor.js'
import { mapTree, type Tree } from '../tensor/tree.js'

/**
 * A linear classifier that starts from zero: for softmax regression, whose loss is convex, a random start only costs steps.
 * There is no bias; a constant among the inputs is one, and its size says how much of the gradient's norm it takes.
 *
 * Shapes  x [n, d] → y [n, classes]; classes · d parameters
 *
 * @example
 * linearFromZero({ classes: 2 }).init(key(0), [3]).params // => { weight: zeros([2, 3]) }
 */
export const linearFromZero = ({ classes }: { readonly classes: number }): LayerRule<Tree, unknown> => {
  const rule: LayerRule<Tree, Tensor> = linear(classes, { bias: false })
  return {
    ...rule,
    name: `linearFromZero(${classes})`,
    init: (key, input) => {
      const { params, output } = rule.init(key, input)
      return { params: mapTree(({ shape }) => zeros(shape))(params), output }
    },
  } as LayerRule<Tree, unknown>
}

/**
 * The linear model of Tramèr and Boneh: scattering coefficients, normalised in groups of channels, and one affine layer, all
 * that is trained.
 *
 * Shapes     x [n, c, h, w] → y [n, classes]; classes · (81 c ⌊h/4⌋ ⌊w/4⌋ + 1) parameters that are trained
 * Cost       almost all of it is the transform, which does not change: where epochs are many, compute the coefficients once
 *            and train the rest on them
 * Reference  Tramèr, Boneh 2021, arXiv:2011.11660, section 3; 27 groups are their choice for Fashion-MNIST
 *
 * @example
 * scatteringLinear({ classes: 10 }).init(key(0), [1, 28, 28]).output // => [10]
 */
export const scatteringLinear = ({
  classes,
  groups = 27,
}: {
  readonly classes: number
  readonly groups?: number
}): LayerRule<Tree, unknown> =>
  named({
    scattering: scattering2d(),
    normalisation: groupNorm({ groups, affine: false }),
    flatten,
    linear: linear(classes),
  })
