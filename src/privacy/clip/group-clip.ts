/**
 * Clipping group by group: each group of parameters has a norm and a bound of its own. m group · C bound of the whole.
 *
 *   w_m(‖g_m‖) ‖g_m‖ ≤ C_m for every m      so one sample moves the sum by at most C = (Σ C_m²)^½
 */
import { namedLeaves, type Tree } from '../../tensor/tree.js'
import { type ClipRule, flatClip, isSummable, positive, safeFactor } from './clip.js'

/** Names the group of a parameter by its path, such as `0.weight`. */
export type Grouping = (path: string) => string

/** A group of parameters: how many numbers it has. */
export interface ParameterGroup {
  readonly name: string
  readonly dimension: number
}

/**
 * A rule for each group, and the bound that all together promise.
 *
 * Law  (Σ C_m²)^½ ≤ l2Bound, C_m being the bounds of the rules; where it is broken, `clippedGrad` cuts all of them down
 */
export interface GroupClip {
  readonly group: Grouping
  /** Of a sample's whole gradient, in its units. */
  readonly l2Bound: number
  /** One rule for each group of a model, in the order in which they are given. */
  readonly rules: (groups: readonly ParameterGroup[]) => readonly ClipRule[]
}

/** One rule for the whole gradient, or one for each group of parameters. */
export type Clip = ClipRule | GroupClip

/** Is this a clip by groups? */
export const isGroupClip = (clip: Clip): clip is GroupClip => 'group' in clip

/** Each parameter tensor on its own: what Opacus calls per layer, and fastDP param-wise. */
export const byLeaf: Grouping = (path) => path

/**
 * Each layer on its own, its weight with its bias: the path without its last part.
 *
 * @example
 * [byLayer('0.weight'), byLayer('0.bias'), byLayer('encoder.1.weight'), byLayer('weight')] // => ['0', '0', 'encoder.1', '']
 */
export const byLayer: Grouping = (path) => path.slice(0, Math.max(0, path.lastIndexOf('.')))

/**
 * Groups by where they stand in the tree: a parameter belongs to the longest of the prefixes that leads to it, and to the
 * group '' where none does.
 *
 * @example
 * ['encoder.0.weight', 'encoder.head.bias', 'head.weight'].map(byPrefix('encoder', 'encoder.head')) // => ['encoder', 'encoder.head', '']
 */
export const byPrefix = (...prefixes: readonly string[]): Grouping => {
  const longestFirst = [...prefixes].sort((a, b) => b.length - a.length)
  return (path) => longestFirst.find((prefix) => path === prefix || path.startsWith(`${prefix}.`)) ?? ''
}

/** The groups of a model's parameters, in the order in which they first occur. */
export const groupsOf =
  (group: Grouping) =>
  (params: Tree): readonly ParameterGroup[] => {
    const dimensions = new Map<string, number>()
    for (const { path, leaf } of namedLeaves(params)) {
      const dimension = leaf.shape.reduce((product, extent) => product * extent, 1)
      dimensions.set(group(path), (dimensions.get(group(path)) ?? 0) + dimension)
    }
    return [...dimensions].map(([name, dimension]) => ({ name, dimension }))
  }

/** How C² is shared out: C_m² is proportional to the share of group m. */
export type Shares = (group: ParameterGroup) => number

/** C_m = C / √M for M groups. */
export const equalShares: Shares = () => 1

/** C_m = C √(d_m / d): as if every number of a gradient were of one size. */
export const sharesByDimension: Shares = ({ dimension }) => dimension

/** What `perGroupClip` is told. */
export interface PerGroupOptions {
  readonly group: Grouping
  /** C, of the whole. */
  readonly l2ClipNorm: number
  /** Default `equalShares`. */
  readonly shares?: Shares
  /** The rule of a group with bound C_m; default `flatClip`. */
  readonly rule?: (l2ClipNorm: number) => ClipRule
}

/**
 * Clips each group to its share of C.
 *
 *   C_m = C (share_m / Σ share)^½
 *
 * Guarantee  the sensitivity is C, whatever the groups: the root of the sum of squares
 * Errors     RangeError unless l2ClipNorm > 0
 * Reference  McMahan, Ramage, Talwar, Zhang 2018, arXiv:1710.06963 (per layer); Bu et al. 2023, arXiv:2310.09639 (groups)
 *
 * @example
 * const clip = perGroupClip({ group: byLayer, l2ClipNorm: 2 })
 * clip.rules([{ name: '0', dimension: 6 }, { name: '1', dimension: 2 }]).map(({ l2Bound }) => l2Bound ** 2) // => [2, 2]
 */
export const perGroupClip = ({
  group,
  l2ClipNorm,
  shares = equalShares,
  rule = flatClip,
}: PerGroupOptions): GroupClip => ({
  group,
  l2Bound: positive('l2ClipNorm', l2ClipNorm),
  rules: (groups) => {
    const total = groups.reduce((sum, each) => sum + shares(each), 0)
    // A group of no numbers may have no share; any bound will do for it.
    return groups.map((each) => rule(l2ClipNorm * Math.sqrt(each.dimension === 0 ? 1 : shares(each) / total)))
  },
})

/**
 * Clips each group to a bound of its own.
 *
 *   C = (Σ C_m²)^½
 *
 * Errors  RangeError unless every bound is above 0; where groups and bounds are not the same names, when a model is clipped
 *
 * @example
 * groupBoundsClip({ group: byPrefix('head'), l2ClipNorms: { head: 3, '': 4 } }).l2Bound // => 5
 */
export const groupBoundsClip = ({
  group,
  l2ClipNorms,
  rule = flatClip,
}: Pick<PerGroupOptions, 'group' | 'rule'> & {
  readonly l2ClipNorms: Readonly<Record<string, number>>
}): GroupClip => {
  const bounds = new Map(Object.entries(l2ClipNorms).map(([name, c]) => [name, positive(`l2ClipNorms['${name}']`, c)]))
  return {
    group,
    l2Bound: Math.hypot(...bounds.values()),
    rules: (groups) => {
      const names = groups.map(({ name }) => name)
      const odd = [...names, ...bounds.keys()].find((name) => !(names.includes(name) && bounds.has(name)))
      if (odd !== undefined)
        throw new RangeError(
          `l2ClipNorms names the groups [${[...bounds.keys()]}]: the groups of the model are [${names}], and '${odd}' is only in one`,
        )
      return names.map((name) => rule(bounds.get(name) as number))
    },
  }
}

/**
 * The weight functions of the groups, held to what the whole promises.
 *
 * @throws RangeError when a group's bound is none that float32 can keep
 * @internal
 */
export const groupWeights = (
  { l2Bound, rules }: GroupClip,
  groups: readonly ParameterGroup[],
): readonly ((norm: number) => number)[] => {
  const of = rules(groups).map((rule) => ({ ...rule }))
  const promised = Math.hypot(...of.map((rule) => rule.l2Bound))
  const excess = promised > l2Bound ? promised / l2Bound : 1
  return groups.map(({ name, dimension }, m) => {
    const { factor, l2Bound: own } = of[m] as ClipRule
    if (dimension > 0 && !isSummable(own / excess))
      throw new RangeError(
        `l2Bound of the group '${name}' is ${own / excess}: it must be in [2^-80, 2^80], or infinite`,
      )
    return safeFactor({ factor, l2Bound: own / excess })
  })
}
