/**
 * Forward passes that go on into the activation behind them, so that its numbers are made while they are in the cache.
 *
 * What can go on is known by the function `forward` itself. A rule that is made from another by spreading it goes on where it kept
 * that forward pass, and does not where it has one of its own.
 */
import type { Backend, UnaryOp } from '../tensor/backend/backend.js'
import type { Tensor } from '../tensor/tensor.js'
import { emptyTree, type Tree } from '../tensor/tree.js'

/** A forward pass, and then a function of each number of its y: the same bits as one after the other, and the same cache. */
export type ForwardThen<P extends Tree, C> = (
  backend: Backend,
  params: P,
  x: Tensor,
  then: UnaryOp,
) => readonly [y: Tensor, cache: C]

/** What is seen here of a layer. */
interface Forward<P extends Tree, C> {
  readonly name: string
  forward(backend: Backend, params: P, x: Tensor): readonly [y: Tensor, cache: C]
}

const continued = new WeakMap<object, unknown>()
const mapped = new WeakMap<object, UnaryOp>()

/** From now on the forward pass of this layer can go on. @internal */
export const goesOn = <P extends Tree, C>({ forward }: Forward<P, C>, forwardThen: ForwardThen<P, C>): void => {
  continued.set(forward, forwardThen)
}

/** From now on the forward pass of this layer is known to be a function of each number, whose cache is its output. @internal */
export const mapsEachNumber = <P extends Tree>({ forward }: Forward<P, Tensor>, op: UnaryOp): void => {
  mapped.set(forward, op)
}

/** How a layer goes on, where it can. @internal */
export const forwardThenOf = <P extends Tree, C>({ forward }: Forward<P, C>): ForwardThen<P, C> | undefined =>
  continued.get(forward) as ForwardThen<P, C> | undefined

/**
 * How a layer goes on into the one behind it: both forward passes in one, where that can be. The cache of the second is y.
 *
 * @internal
 */
export const jointForward = <P extends Tree, C>(
  first: Forward<P, C>,
  second: Forward<Tree, unknown> | undefined,
): ((backend: Backend, params: P, x: Tensor) => readonly [y: Tensor, cache: C]) | undefined => {
  const forwardThen = forwardThenOf(first)
  const op = second === undefined ? undefined : mapped.get(second.forward)
  if (forwardThen === undefined || op === undefined) return undefined
  return (backend, params, x) => {
    const found = forwardThen(backend, params, x, op)
    // It has its place among the layers, though nothing is left for it to do.
    backend.within?.({ layer: second?.name ?? op, params: emptyTree, reading: 'forward' }, () => undefined)
    return found
  }
}
