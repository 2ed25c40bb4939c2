/**
 * The pattern behind momentum and every adaptive method: an update computed element by element from the gradient and a few
 * running accumulators that have its shape.
 */
import { constant, type Formula, input, type Program, program } from '../tensor/formula.js'
import { homeOf } from '../tensor/home.js'
import { full, type Tensor } from '../tensor/tensor.js'
import { emptyTree, leaves, mapTree, type Tree, zipTreesWith } from '../tensor/tree.js'
import { overLeaves } from './leaf.js'
import type { GradientTransformation, StepState } from './transform.js'

/** Steps taken, and one tree like the parameters for each accumulator; the empty tree for one that is not kept. */
export type AccumulatorState<K extends string> = StepState & { readonly [Name in K]: Tree }

/**
 * What the rule of one step works on: elements of one leaf, in arrays of one length. It reads `gradient` and `before`, and
 * fills `after` and `update`.
 */
export interface AccumulatorStep<K extends string> {
  readonly gradient: Readonly<Float64Array>
  readonly before: { readonly [Name in K]: Readonly<Float64Array> }
  readonly after: { readonly [Name in K]: Float64Array }
  readonly update: Float64Array
  /** 1 in the first step. */
  readonly step: number
}

/** The same for a device: the numbers of a leaf as formulas. An accumulator that is not kept is 0. */
export interface AccumulatorFormulas<K extends string> {
  readonly gradient: Formula
  readonly before: { readonly [Name in K]: Formula }
  /** 1 in the first step. */
  readonly step: number
}

/** An accumulator for each number of the parameters: where it starts, and what a step makes of it. */
export interface Accumulation<K extends string> {
  /** First values. `undefined`: not kept; the rule then sees arrays without elements. */
  readonly initial: { readonly [Name in K]: number | undefined }
  /** Element by element: a leaf may come in parts. */
  readonly rule: (leaf: AccumulatorStep<K>) => void
  /** The rule once more, operation by operation, for leaves in the memory of a device: its results must have the bits of the rule's. */
  readonly formulas?: (leaf: AccumulatorFormulas<K>) => {
    readonly update: Formula
    readonly after: { readonly [Name in K]?: Formula }
  }
}

const nothing = new Float64Array(0)

/**
 * The transformation of a rule. Accumulators have the dtype of the parameters, updates that of the gradients; the
 * arithmetic is float64.
 *
 * Guarantee  gradients, states and parameters that came in stay as they are
 *
 * @throws ShapeError when gradients and state differ in structure or in a shape
 */
export const accumulate = <const K extends string>({
  initial,
  rule,
  formulas,
}: Accumulation<K>): GradientTransformation<AccumulatorState<K>> => {
  const names = Object.keys(initial) as K[]
  const kept = names.filter((name) => initial[name] !== undefined)
  const record = <A>(of: (name: K, position: number) => A): { readonly [Name in K]: A } =>
    Object.fromEntries(names.map((name) => [name, of(name, kept.indexOf(name))])) as { readonly [Name in K]: A }

  /** Of one step, where the rule has formulas. */
  const programOf = (count: number): Program | undefined => {
    if (formulas === undefined) return undefined
    const before = record((_, position) => (position < 0 ? constant(0) : input(1 + position)))
    const { update, after } = formulas({ gradient: input(0), before, step: count })
    return program(1 + kept.length, [update, ...kept.map((name) => after[name] ?? before[name])])
  }

  const step = (gradient: Tensor, before: readonly Tensor[], count: number): readonly Tensor[] =>
    overLeaves(
      ([slope, ...old], [update, ...next]) => {
        rule({
          gradient: slope as Float64Array,
          before: record((_, position) => old[position] ?? nothing),
          after: record((_, position) => next[position] ?? nothing),
          update: update as Float64Array,
          step: count,
        })
      },
      [gradient, ...before],
      [gradient.dtype, ...before.map(({ dtype }) => dtype)],
    )

  return {
    init: (params) => ({
      step: 0,
      ...record((name): Tree => {
        const start = initial[name]
        return start === undefined ? emptyTree : mapTree((leaf) => full(start, leaf.shape, leaf.dtype))(params)
      }),
    }),
    update: (updates, state) => {
      const gradients = leaves(updates)
      const before = kept.map((name) => leavesBeside(updates, state[name]))
      const fast = programOf(state.step + 1)
      const after = gradients.map((leaf, place) => {
        const old = before.map((tree) => tree[place] as Tensor)
        const home = fast && homeOf(leaf, ...old)
        return home === undefined ? step(leaf, old, state.step + 1) : home.compute(fast as Program, [leaf, ...old])
      })
      const rebuild = (position: number): typeof updates => {
        let place = 0
        return mapTree(() => after[place++]?.[position] as Tensor)(updates)
      }
      return [
        rebuild(0),
        { step: state.step + 1, ...record((_, position): Tree => (position < 0 ? emptyTree : rebuild(position + 1))) },
      ]
    },
  }
}

/** The leaves of a tree, in the order of another tree of the same structure. */
const leavesBeside = (guide: Tree, tree: Tree): readonly Tensor[] => {
  const found: Tensor[] = []
  zipTreesWith((leaf, partner) => {
    found.push(partner)
    return leaf
  })(guide, tree)
  return found
}
