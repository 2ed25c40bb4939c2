/**
 * The laws of gradient transformations.
 */
import fc, { type Arbitrary } from 'fast-check'
import { expect, it } from 'vitest'
import { chain, type GradientTransformation, identity, type OptimizerState } from '../../src/optim/index.js'
import {
  contiguous,
  emptyTree,
  isTensor,
  mapTree,
  namedLeaves,
  type Tensor,
  type Tree,
  tensor,
  toArray,
} from '../../src/tensor/index.js'
import { alike } from '../arbitraries/tree.js'

/** Parameters, and the gradients of a few steps: trees of one structure, of floats of both widths, some of them views. */
export interface Descent {
  readonly params: Tree
  readonly gradients: readonly Tree[]
}

/** Gradients are never exactly periodic with the state, and 0 is among them. */
export const descents: Arbitrary<Descent> = alike(4, {
  dtypes: ['float32', 'float64'],
  values: fc.oneof(fc.double({ min: -4, max: 4, noNaN: true }), fc.constant(0)),
}).map(([params, ...gradients]) => ({ params: params as Tree, gradients }))

/** Every tensor of a state or tree, as numbers, with its dtype and shape: what must be equal bit for bit. */
export const contents = (value: unknown): unknown =>
  isTensor(value)
    ? { shape: [...value.shape], dtype: value.dtype, numbers: toArray(value) }
    : Array.isArray(value)
      ? value.map(contents)
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.entries(value).map(([name, child]) => [name, contents(child)]))
        : value

/** The inverse of contents, by way of JSON: a checkpoint. */
const restored = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(restored)
  if (typeof value !== 'object' || value === null) return value
  const { shape, dtype, numbers } = value as { shape?: number[]; dtype?: Tensor['dtype']; numbers?: number[] }
  return numbers !== undefined && shape !== undefined && dtype !== undefined
    ? tensor(numbers, shape, dtype)
    : Object.fromEntries(Object.entries(value).map(([name, child]) => [name, restored(child)]))
}

/** JSON has no −0, NaN and infinities: a checkpoint writes them otherwise, and so does this. */
const throughJson = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, x: unknown) =>
      typeof x === 'number' && (!Number.isFinite(x) || Object.is(x, -0)) ? `${Object.is(x, -0) ? '-0' : x}` : x,
    ),
    (_, x: unknown) => (typeof x === 'string' && /^(-0|NaN|-?Infinity)$/.test(x) ? Number(x) : x),
  )

/** The updates of every step, parameters held still, and the last state. */
export const run = <S extends OptimizerState>(
  transformation: GradientTransformation<S>,
  { params, gradients }: Descent,
  start: S = transformation.init(params),
): { readonly updates: readonly Tree[]; readonly state: S } =>
  gradients.reduce<{ readonly updates: readonly Tree[]; readonly state: S }>(
    ({ updates, state }, gradient) => {
      const [update, next] = transformation.update(gradient, state, params)
      return { updates: updates.concat([update]), state: next }
    },
    { updates: [], state: start },
  )

const storages = (tree: unknown): readonly unknown[] =>
  isTensor(tree)
    ? [Array.from(tree.data, (x) => (Object.is(x, -0) ? '-0' : x))]
    : typeof tree === 'object' && tree !== null
      ? Object.values(tree).flatMap(storages)
      : [tree]

/** Of each law; there are many transformations. */
const RUNS = 40

/** The laws of one transformation. */
export const transformationLaws = <S extends OptimizerState>(transformation: GradientTransformation<S>): void => {
  it('updates have the structure, shapes and dtypes of the gradients', () => {
    fc.assert(
      fc.property(descents, (descent) => {
        const outline = (tree: Tree): unknown =>
          contents(mapTree((leaf) => tensor(leaf.shape, [leaf.shape.length], leaf.dtype))(tree))
        run(transformation, descent).updates.forEach((update, step) => {
          expect(outline(update)).toEqual(outline(descent.gradients[step] as Tree))
        })
      }),
      { numRuns: RUNS },
    )
  })

  it('a state keeps its structure, and tensors in it the dtypes of the parameters', () => {
    fc.assert(
      fc.property(descents, (descent) => {
        const outline = (value: unknown): unknown =>
          isTensor(value)
            ? `${value.dtype} ${value.shape}`
            : typeof value === 'object' && value !== null
              ? Object.entries(value).map(([name, child]) => [name, outline(child)])
              : typeof value
        expect(outline(run(transformation, descent).state)).toEqual(outline(transformation.init(descent.params)))
      }),
      { numRuns: RUNS },
    )
  })

  it('nothing that came in is written to', () => {
    fc.assert(
      fc.property(descents, ({ params, gradients }) => {
        const first = run(transformation, { params, gradients: gradients.slice(0, 1) }).state
        const before = [params, gradients, first].map((value) => storages(value))
        run(transformation, { params, gradients }, first)
        expect([params, gradients, first].map((value) => storages(value))).toEqual(before)
      }),
      { numRuns: RUNS },
    )
  })

  it('the same arguments give the same updates and state, through a checkpoint too', () => {
    fc.assert(
      fc.property(descents, ({ params, gradients }) => {
        const first = run(transformation, { params, gradients: gradients.slice(0, 1) }).state
        const rest = { params, gradients: gradients.slice(1) }
        const resumed = restored(throughJson(contents(first))) as S
        const expected = contents(run(transformation, rest, first))
        expect(contents(run(transformation, rest, first))).toEqual(expected)
        expect(contents(run(transformation, rest, resumed))).toEqual(expected)
      }),
      { numRuns: RUNS },
    )
  })

  it('a view is as good as a copy', () => {
    fc.assert(
      fc.property(descents, ({ params, gradients }) => {
        const copy = mapTree((leaf) => tensor(toArray(leaf), leaf.shape, leaf.dtype))
        const copies = { params: copy(params), gradients: gradients.map((gradient) => copy(gradient)) }
        expect(namedLeaves(copies.params).every(({ leaf }) => contiguous(leaf) === leaf)).toBe(true)
        expect(contents(run(transformation, copies))).toEqual(contents(run(transformation, { params, gradients })))
      }),
      { numRuns: RUNS },
    )
  })

  it('identity is a unit of chain, on both sides', () => {
    fc.assert(
      fc.property(descents, (descent) => {
        const alone = run(transformation, descent)
        const before = run(chain(identity, transformation), descent)
        const after = run(chain(transformation, identity), descent)
        expect(contents(before)).toEqual(contents({ updates: alone.updates, state: [emptyTree, alone.state] }))
        expect(contents(after)).toEqual(contents({ updates: alone.updates, state: [alone.state, emptyTree] }))
      }),
      { numRuns: RUNS },
    )
  })
}

/** chain is associative: the same updates, and the same states, otherwise grouped. */
export const chainIsAssociative = <A extends OptimizerState, B extends OptimizerState, C extends OptimizerState>(
  a: GradientTransformation<A>,
  b: GradientTransformation<B>,
  c: GradientTransformation<C>,
): void => {
  it('chain(chain(a, b), c) = chain(a, b, c) = chain(a, chain(b, c))', () => {
    fc.assert(
      fc.property(descents, (descent) => {
        const left = run(chain(chain(a, b), c), descent)
        const right = run(chain(a, chain(b, c)), descent)
        const flat = run(chain(a, b, c), descent)
        const [[leftA, leftB], leftC] = left.state
        const [rightA, [rightB, rightC]] = right.state
        expect(contents(left.updates)).toEqual(contents(flat.updates))
        expect(contents(right.updates)).toEqual(contents(flat.updates))
        expect(contents([leftA, leftB, leftC])).toEqual(contents(flat.state))
        expect(contents([rightA, rightB, rightC])).toEqual(contents(flat.state))
      }),
      { numRuns: RUNS },
    )
  })
}
