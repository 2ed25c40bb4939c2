/**
 * Gradient transformations: an optimizer is a pair of pure functions, and `chain` is the only combinator.
 *
 *   init: params → state        update: (updates, state, params) → (updates, state)
 *
 * Laws  chain is associative up to the grouping of states · `identity` is its unit · updates keep the structure, shapes and
 *       dtypes of the updates that came in · no argument is written to
 *
 * A state is data: numbers, tensors, records and arrays of them. A checkpoint walks over it and needs to know no more.
 *
 * References  Hessel et al. 2020, Optax
 */
import { scaleTensor } from '../tensor/elementwise.js'
import { type EmptyTree, emptyTree, mapTree, type Tree, zipTreesWith } from '../tensor/tree.js'
import { checkNonNegative } from './hyperparameters.js'
import { combine } from './leaf.js'
import { asSchedule, type Schedule } from './schedule.js'

/** What a transformation remembers from step to step. */
export type OptimizerState = number | Tree | { readonly [key: string]: OptimizerState } | readonly OptimizerState[]

/** The state is S whatever the parameters are: P runs through. */
export interface GradientTransformation<S extends OptimizerState> {
  /** The state before the first step. */
  readonly init: <P extends Tree>(params: P) => S
  /** What to add to the parameters, and the state after the step. */
  readonly update: <P extends Tree>(updates: P, state: S, params: P) => readonly [updates: P, state: S]
  /** Where the next gradient is asked for; at the parameters themselves unless given. */
  readonly probe?: <P extends Tree>(params: P, state: S) => P
}

/** The probe of an inner transformation, for one that keeps its state. @internal */
export const probeWith = <S extends OptimizerState, I extends OptimizerState>(
  { probe }: GradientTransformation<I>,
  innerOf: (state: S) => I,
): Pick<GradientTransformation<S>, 'probe'> =>
  probe === undefined ? {} : { probe: (params, state) => probe(params, innerOf(state)) }

/** Counts the steps taken, from 0. A type alias, not an interface, so that it is an OptimizerState. */
export type StepState = { readonly step: number }

/** A transformation that remembers nothing. */
export const stateless = (f: <P extends Tree>(updates: P, params: P) => P): GradientTransformation<EmptyTree> => ({
  init: () => emptyTree,
  update: (updates, state, params) => [f(updates, params), state],
})

/** Updates as they come: the unit of `chain`. */
export const identity: GradientTransformation<EmptyTree> = stateless((updates) => updates)

/**
 * One transformation after the other. The state is the tuple of their states.
 *
 * @example
 * toArray(chain(scale(2), scale(3)).update(tensor([1], [1]), [emptyTree, emptyTree], tensor([0], [1]))[0]) // => [6]
 */
export const chain = <const S extends readonly OptimizerState[]>(
  ...parts: { readonly [I in keyof S]: GradientTransformation<S[I]> }
): GradientTransformation<S> => {
  const links = parts as unknown as readonly GradientTransformation<OptimizerState>[]
  const probes = links.some(({ probe }) => probe !== undefined)
  return {
    ...(probes
      ? {
          probe: <P extends Tree>(params: P, state: S): P =>
            links.reduce((at, { probe }, position) => probe?.(at, state[position] as OptimizerState) ?? at, params),
        }
      : {}),
    init: (params) => links.map((link) => link.init(params)) as readonly OptimizerState[] as S,
    update: (updates, state, params) => {
      const next: OptimizerState[] = []
      const through = links.reduce((current, link, position) => {
        const [changed, after] = link.update(current, state[position] as OptimizerState, params)
        next.push(after)
        return changed
      }, updates)
      return [through, next as readonly OptimizerState[] as S]
    },
  }
}

/** factor·u. */
export const scale = (factor: number): GradientTransformation<EmptyTree> =>
  factor === 1 ? identity : stateless((updates) => mapTree(scaleTensor(factor))(updates))

/** schedule(t)·u, where t counts the updates from 0. */
export const scaleBySchedule = (schedule: Schedule): GradientTransformation<StepState> => ({
  init: () => ({ step: 0 }),
  update: (updates, { step }) => [mapTree(scaleTensor(schedule(step)))(updates), { step: step + 1 }],
})

/**
 * −η·u or −η(t)·u: the last link of every descent.
 *
 * @throws RangeError unless a learning rate that is a number is finite and ≥ 0
 */
export const scaleByLearningRate = (learningRate: number | Schedule): GradientTransformation<StepState> => {
  if (typeof learningRate === 'number') checkNonNegative('learningRate', learningRate)
  const rate = asSchedule(learningRate)
  return scaleBySchedule((step) => -rate(step))
}

/**
 * params + updates, in the dtype of params.
 *
 * @throws ShapeError when the trees differ in structure or in a shape
 * @example
 * toArray(applyUpdates(tensor([1, 2], [2]), tensor([10, 20], [2]))) // => [11, 22]
 */
export const applyUpdates: <P extends Tree>(params: P, updates: Tree) => P = zipTreesWith(combine(1, 1))
