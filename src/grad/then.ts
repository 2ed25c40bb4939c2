/**
 * Layers that go on into the activation behind them: its numbers are made while they are in the cache, and so is what becomes of a
 * cotangent on its way back.
 *
 * What can go on is known by the functions `forward` and `pullback` themselves. A rule that is made from another by spreading it goes on
 * where it kept them, and does not where it has its own.
 */
import type { Backend, BinaryOp, Through, UnaryOp } from '../tensor/backend/backend.js'
import type { Tensor } from '../tensor/tensor.js'
import { emptyTree, type Tree } from '../tensor/tree.js'

/** A forward pass, and then a function of each number of its y: the same bits as one after the other, and the same cache. */
export type ForwardThen<P extends Tree, C> = (
  backend: Backend,
  params: P,
  x: Tensor,
  then: UnaryOp,
) => readonly [y: Tensor, cache: C]

/** The pullback of a cotangent that goes through an activation first: the same bits as one after the other. */
export type PullbackThrough<P extends Tree, C, Pulled> = (
  backend: Backend,
  params: P,
  cache: C,
  gy: Tensor,
  through: Through,
) => Pulled

/** What is seen here of a layer. */
interface Rule<P extends Tree, C, Pulled> {
  readonly name: string
  forward(backend: Backend, params: P, x: Tensor): readonly [y: Tensor, cache: C]
  pullback(backend: Backend, params: P, cache: C, gy: Tensor): Pulled
}

/** What a layer can do with an activation behind it. */
export interface GoingOn<P extends Tree, C, Pulled> {
  readonly forwardThen?: ForwardThen<P, C>
  readonly pullbackThrough?: PullbackThrough<P, C, Pulled>
}

/** A function of each number, and the function of a cotangent and its output that pulls back. */
interface Mapping {
  readonly op: UnaryOp
  readonly grad: BinaryOp
}

/** By forward pass, and by pullback. */
const [continued, mapped] = [new WeakMap<object, unknown>(), new WeakMap<object, Mapping>()]

/** From now on this layer can go on. @internal */
export const goesOn = <P extends Tree, C, Pulled>(
  { forward, pullback }: Rule<P, C, Pulled>,
  { forwardThen, pullbackThrough }: GoingOn<P, C, Pulled>,
): void => {
  if (forwardThen !== undefined) continued.set(forward, forwardThen)
  if (pullbackThrough !== undefined) continued.set(pullback, pullbackThrough)
}

/** From now on this layer is known to be a function of each number, whose cache is its output. @internal */
export const mapsEachNumber = <P extends Tree>(
  { forward, pullback }: Rule<P, Tensor, unknown>,
  mapping: Mapping,
): void => {
  mapped.set(forward, mapping)
  mapped.set(pullback, mapping)
}

/** How a layer goes on, where it can. @internal */
export const forwardThenOf = <P extends Tree, C>({
  forward,
}: Pick<Rule<P, C, unknown>, 'forward'>): ForwardThen<P, C> | undefined =>
  continued.get(forward) as ForwardThen<P, C> | undefined

/**
 * How a layer goes on into the one behind it: both forward passes in one, where that can be. The cache of the second is y.
 *
 * @internal
 */
export const jointForward = <P extends Tree, C>(
  first: Rule<P, C, unknown>,
  second: Rule<Tree, unknown, unknown> | undefined,
): ((backend: Backend, params: P, x: Tensor) => readonly [y: Tensor, cache: C]) | undefined => {
  const forwardThen = forwardThenOf(first)
  const op = second === undefined ? undefined : mapped.get(second.forward)?.op
  if (forwardThen === undefined || op === undefined) return undefined
  return (backend, params, x) => {
    const found = forwardThen(backend, params, x, op)
    // It has its place among the layers, though nothing is left for it to do.
    backend.within?.({ layer: second?.name ?? op, params: emptyTree, reading: 'forward' }, () => undefined)
    return found
  }
}

/**
 * The pullback of a layer for the cotangent of what is behind the activation that follows it, whose output is y; where that can be.
 *
 * @internal
 */
export const jointPullback = <P extends Tree, C, Pulled>(
  first: Rule<P, C, Pulled>,
  second: Rule<Tree, unknown, unknown> | undefined,
): ((backend: Backend, params: P, cache: C, gy: Tensor, y: Tensor) => Pulled) | undefined => {
  const pullbackThrough = continued.get(first.pullback) as PullbackThrough<P, C, Pulled> | undefined
  const op = second === undefined ? undefined : mapped.get(second.pullback)?.grad
  if (pullbackThrough === undefined || op === undefined) return undefined
  return (backend, params, cache, gy, y) => pullbackThrough(backend, params, cache, gy, { op, y })
}
