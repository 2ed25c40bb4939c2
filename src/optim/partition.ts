/**
 * Parameter groups: a transformation for some of the parameters.
 */
import type { Tensor } from '../tensor/tensor.js'
import { mapTree, namedLeaves, type Tree } from '../tensor/tree.js'
import { type GradientTransformation, identity, type OptimizerState } from './transform.js'

/** The state of each group, by its name. */
export type PartitionState<K extends string, S extends OptimizerState> = { readonly [Name in K]: S }

/** The paths of the leaves of a tree, and the group of each. */
const groupsOf = <K extends string>(tree: Tree, groupOf: (path: string) => K): readonly K[] =>
  namedLeaves(tree).map(({ path }) => groupOf(path))

/**
 * A transformation for each group of parameters, which are grouped by their path, such as `0.weight`.
 *
 * A group's transformation sees the list of the leaves of its group, in the order of the tree.
 *
 * Errors  a RangeError for a path whose group has no transformation, and for a transformation with a `probe`
 *
 * @example
 * const halves = partition({ fast: scale(-1), slow: scale(-0.1) }, (path) => (path === 'a' ? 'fast' : 'slow'))
 * const params = { a: scalar(1), b: scalar(1) }
 * toArray(halves.update({ a: scalar(5), b: scalar(10) }, halves.init(params), params)[0].b) // => [-1]
 */
export const partition = <const K extends string, S extends OptimizerState>(
  transformations: { readonly [Name in K]: GradientTransformation<S> },
  groupOf: (path: string) => NoInfer<K>,
): GradientTransformation<PartitionState<K, S>> => {
  const names = Object.keys(transformations) as K[]
  for (const name of names)
    if (transformations[name].probe !== undefined)
      throw new RangeError(
        `the transformation of ${name} asks for gradients elsewhere: it can only be for all parameters`,
      )
  const pick = (tree: Tree, groups: readonly K[], name: K): readonly Tensor[] =>
    namedLeaves(tree)
      .filter((_, place) => groups[place] === name)
      .map(({ leaf }) => leaf)
  const checked = (tree: Tree): readonly K[] => {
    const groups = groupsOf(tree, groupOf)
    const strange = groups.findIndex((name) => !names.includes(name))
    if (strange >= 0)
      throw new RangeError(
        `the group of ${namedLeaves(tree)[strange]?.path} is ${groups[strange]}: it must be one of ${names.join(', ')}`,
      )
    return groups
  }
  const record = <A>(of: (name: K) => A): { readonly [Name in K]: A } =>
    Object.fromEntries(names.map((name) => [name, of(name)])) as { readonly [Name in K]: A }
  return {
    init: (params) => {
      const groups = checked(params)
      return record((name) => transformations[name].init(pick(params, groups, name)))
    },
    update: (updates, state, params) => {
      const groups = checked(updates)
      const done = record((name) =>
        transformations[name].update(pick(updates, groups, name), state[name], pick(params, groups, name)),
      )
      const next = record((name) => ({ leaves: done[name][0], at: 0 }))
      let place = 0
      const changed = mapTree(() => {
        const group = next[groups[place++] as K]
        return group.leaves[group.at++] as Tensor
      })(updates)
      return [changed, record((name) => done[name][1])]
    },
  }
}

/** The state of a masked transformation. */
export type MaskedState<S extends OptimizerState> = PartitionState<'chosen' | 'others', S>

/**
 * A transformation for the parameters that the mask chooses by their path; the others' updates pass as they are.
 *
 * @example
 * const noBias = masked((path) => !path.endsWith('bias'), addDecayedWeights(0.5))
 * const params = { weight: scalar(4), bias: scalar(4) }
 * toArray(noBias.update({ weight: scalar(1), bias: scalar(1) }, noBias.init(params), params)[0].bias) // => [1]
 */
export const masked = <S extends OptimizerState>(
  mask: (path: string) => boolean,
  transformation: GradientTransformation<S>,
): GradientTransformation<MaskedState<S>> =>
  partition(
    // The unit keeps nothing, whatever the state of the other group is.
    { chosen: transformation, others: identity as unknown as GradientTransformation<S> },
    (path) => (mask(path) ? 'chosen' : 'others'),
  )
