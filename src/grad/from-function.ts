/**
 * A layer from its forward pass alone: the operations differentiate themselves. n sample.
 *
 * Every value within the function is a batch [n, …], parameters included: each sample has its own copy of a parameter (a
 * view, no storage), so the ordinary gradient of that copy is the sample's gradient. The function sees the shapes of one
 * sample, and cannot mix samples: no operation touches axis 0.
 */
import type { Key } from '../sampling/key.js'
import type { Backend } from '../tensor/backend/backend.js'
import type { Shape } from '../tensor/shape.js'
import { isTensor, type Tensor, zeros } from '../tensor/tensor.js'
import { mapTree, type Tree } from '../tensor/tree.js'
import { broadcast, reshape } from '../tensor/view.js'
import { type Initialised, keepingPullback, type LayerRule, layer } from './layer.js'
import { type Operations, operationsOn, type Value } from './traced-operations.js'

/** Parameters whose leaves are values of one sample. */
export type ValuesOf<P> = P extends Tensor ? Value : { readonly [K in keyof P]: ValuesOf<P[K]> }

/** `apply`, for a compiler that cannot follow a type through any tree. */
type Untyped = (operations: Operations, params: unknown, x: Value) => Value

/** What the forward pass did, in order, and where it began and ended. */
export interface Trace {
  readonly values: readonly Value[]
  readonly leaves: readonly Value[]
  readonly x: Value
  readonly y: Value
}

/**
 * A layer from a function over `Operations`. Its gradients, for each sample, follow from those of the operations.
 *
 * Shapes  the function sees one sample: x […], parameters as they are; n is carried along
 * Cost    forms the per-sample gradients, and keeps every value of the forward pass; a layer that becomes hot deserves a
 *         rule of its own, with a cheap norm
 *
 * @example
 * const scaledTanh = fromFunction({
 *   name: 'scaledTanh',
 *   init: (_key, input) => ({ params: { scale: full(1, input) }, output: input }),
 *   apply: (op, { scale }, x) => op.mul(scale, op.tanh(x)),
 * })
 * await checkLayer({ input: [3] })(scaledTanh)() // => []
 */
export const fromFunction = <P extends Tree>({
  name,
  init,
  apply,
}: {
  readonly name: string
  readonly init: (key: Key, input: Shape) => Initialised<P>
  readonly apply: (operations: Operations, params: ValuesOf<P>, x: Value) => Value
}): LayerRule<P, Trace> => {
  const trace = (backend: Backend, params: P, x: Tensor): Trace => {
    const values: Value[] = []
    const record = (value: Omit<Value, 'id'>): Value => {
      const recorded = { id: values.length, ...value }
      values.push(recorded)
      return recorded
    }
    const given = (value: Tensor): Value => record({ value, parents: [], pull: () => [] })
    const n = x.shape[0] as number
    const leaves: Value[] = []
    const lifted = mapLeaves((leaf) => {
      const own = given(broadcast([n, ...leaf.shape])(reshape([1, ...leaf.shape])(leaf)))
      leaves.push(own)
      return own
    })(params)
    const input = given(x)
    const y = (apply as unknown as Untyped)(operationsOn(backend, record, n), lifted, input)
    return { values, leaves, x: input, y }
  }

  /** The cotangents of some values, for that of the result. */
  const pullTo = (backend: Backend, { values, y }: Trace, wanted: readonly Value[], gy: Tensor): readonly Tensor[] => {
    const cotangents = new Map<number, Tensor>([[y.id, gy]])
    for (const { id, parents, pull } of values.toReversed()) {
      const cotangent = cotangents.get(id)
      if (cotangent === undefined || parents.length === 0) continue
      for (const [place, part] of pull(cotangent).entries()) {
        const parent = (parents[place] as Value).id
        const sum = cotangents.get(parent)
        cotangents.set(parent, sum === undefined ? part : backend.zip('add', sum, part))
      }
    }
    return wanted.map(({ id, value }) => cotangents.get(id) ?? zeros(value.shape, backend.dtype))
  }

  const rule: LayerRule<P, Trace> = layer<P, Trace>({
    name,
    init,
    forward: (backend, params, x) => {
      const made = trace(backend, params, x)
      return [made.y.value, made]
    },
    backward: (backend, _params, made, gy) => pullTo(backend, made, [made.x], gy)[0] as Tensor,
    perSampleGrad: (backend, params, made, gy) => {
      const gradients = pullTo(backend, made, made.leaves, gy)
      let index = 0
      return mapTree(() => gradients[index++] as Tensor)(params)
    },
    pullback: (backend, params, made, gy) => keepingPullback(rule, backend, params, made, gy),
  })
  return rule
}

/** f of every leaf, in the order of `mapTree`, where f leaves the trees of tensors. */
const mapLeaves =
  (f: (leaf: Tensor) => Value) =>
  (tree: Tree): unknown => {
    const walk = (node: Tree): unknown =>
      isTensor(node)
        ? f(node)
        : Array.isArray(node)
          ? node.map(walk)
          : Object.fromEntries(Object.entries(node).map(([key, child]) => [key, walk(child as Tree)]))
    return walk(tree)
  }
