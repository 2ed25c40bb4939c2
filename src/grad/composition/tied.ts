/**
 * One matrix in several places of a model, with exact norms. n sample · t position · i column · o row.
 *
 * In place j the matrix has the gradient Σₜ b_jₜ a_jₜᵀ. All places together are one affine map whose positions are those
 * of all places, so the norm needs the cross terms, and has them:
 *
 *   ‖g‖² = Σ_jl ⟨A_j A_lᵀ, B_j B_lᵀ⟩      A_j [n, t_j, i], B_j [n, t_j, o]
 */
import { foldIn, type Key } from '../../sampling/key.js'
import type { Backend } from '../../tensor/backend/backend.js'
import { zipTensorsWith } from '../../tensor/elementwise.js'
import { type Shape, shapeError } from '../../tensor/shape.js'
import { contiguous, full, storageOf, type Tensor, unsafeTensor, zeros } from '../../tensor/tensor.js'
import { emptyTree, hasLeaves, type Tree } from '../../tensor/tree.js'
import { transpose } from '../../tensor/view.js'
import { affineCosts, gramIsCheaper, keptNumbersLimit } from '../cost.js'
import { addByGroup, groupedChildren, labelOf } from '../grouped.js'
import { type AnyLayer, type LayerRule, layer, lazy, type Pullback, withoutParams } from '../layer.js'
import { fanInUniform } from '../layers/initialise.js'
import { STRAY } from '../layers/token-segments.js'
import { noShorterThan, summationError } from '../rounding.js'
import { lostByUnderflow } from '../underflow.js'
import { type Factor, type MatrixUse, matrixUses, oneHotRows } from './tied-use.js'

/** The matrix [o, i], and the parameters of the layers in their order (none, where the matrix is used). */
export type TiedParams = { readonly weight: Tensor; readonly layers: readonly Tree[] }

/** The places that a matrix W [o, i] can take. */
export interface MatrixPlaces {
  /** x ↦ W x: [n, …, i] → [n, …, o]. */
  readonly apply: AnyLayer
  /** x ↦ Wᵀ x: [n, …, o] → [n, …, i]. */
  readonly transposed: AnyLayer
  /** token ↦ its row of W: [n, …] → [n, …, i]. */
  readonly embed: AnyLayer
}

const place = (name: string): AnyLayer =>
  withoutParams<never>({
    name,
    output: (input) => {
      throw shapeError(`${name} stands directly in the list of tied, not within another layer`, input)
    },
    forward: (_backend, x) => {
      throw shapeError(`${name} stands directly in the list of tied, not within another layer`, x.shape)
    },
    backward: (_backend, cache) => cache,
  }) as unknown as AnyLayer

const add = zipTensorsWith((a, b) => a + b)
const transposeLast = transpose([0, 2, 1])

/** A A′ᵀ of two [n, t, i]. */
const gram = (backend: Backend, a: Tensor, b: Tensor): Tensor => backend.matmul(a, transposeLast(b))

/** B_j B_lᵀ where the rows of j, l or both are one-hot: entries of the other at the tokens. [n, s, t]. */
const gramOfRows = (backend: Backend, one: Factor, other: Factor): Tensor => {
  if (one.b !== undefined && other.b !== undefined) return gram(backend, one.b, other.b)
  if (one.b !== undefined) return transposeLast(gramOfRows(backend, other, one))
  const [n, s] = one.a.shape as readonly [number, number]
  const t = other.a.shape[1] as number
  const entry = entryOf(other)
  const out = new Float64Array(n * s * t)
  for (let sample = 0, at = 0; sample < n; sample++)
    for (let p = 0; p < s; p++) {
      const token = one.tokens[sample * s + p] as number
      for (let q = 0; q < t; q++, at++) out[at] = token === STRAY ? Number.NaN : entry(sample * t + q, token)
    }
  return unsafeTensor(out, [n, s, t])
}

/** Reads row · column of B, over all samples. */
const entryOf = (factor: Factor): ((row: number, column: number) => number) => {
  if (factor.b === undefined) {
    const { tokens } = factor
    return (row, column) => Number(tokens[row] === column)
  }
  const dense = contiguous(factor.b)
  const [data, width] = [storageOf(dense), dense.shape[2] as number]
  return (row, column) => data[dense.offset + row * width + column] as number
}

/** Σₜ bₜ aₜᵀ for each sample: [n, o, i]. */
const outer = (backend: Backend, factor: Factor, rows: number): Tensor =>
  factor.b === undefined
    ? oneHotRows(backend, factor, rows).perSample()
    : backend.matmul(transposeLast(factor.b), factor.a)

/** ‖B‖² of each sample: the number of positions, where rows are one-hot. */
const rowSquares = (backend: Backend, { a, b }: Factor): Tensor =>
  b === undefined ? full(a.shape[1] as number, a.shape.slice(0, 1), 'float64') : backend.rowDots(b, b)

/** ‖A‖ ‖B‖ of each sample. */
const scaleOf = (backend: Backend, factor: Factor): Tensor =>
  zipTensorsWith((x, y) => Math.sqrt(x * y))(backend.rowDots(factor.a, factor.a), rowSquares(backend, factor))

/**
 * Layers one after the other, some of which are one matrix: as it is, transposed, or as a table of embeddings. An
 * autoencoder with tied weights, or a language model whose head is its embedding, has one matrix to clip and to noise.
 *
 * Shapes     W [rows, columns]
 * Cost       norms O(n T² (o + i)) for T positions in all places, or by forming the matrix's gradient where that is less
 * Guarantee  exact with cross terms: no norm is shorter, by rounding, than the sample's share of a weighted sum
 * Errors     ShapeError where a place does not fit
 * Reference  Press, Wolf 2017, arXiv:1608.05859 (tying); the Gram form as for `linear`
 *
 * @example
 * const autoencoder = tied({ rows: 4, columns: 5 })((w) => [w.apply, relu, w.transposed])
 * leaves(autoencoder.init(key(0), [5]).params).map(({ shape }) => shape) // => [[4, 5]]
 */
export const tied =
  ({ rows, columns }: { readonly rows: number; readonly columns: number }) =>
  (body: (places: MatrixPlaces) => readonly AnyLayer[]): LayerRule<TiedParams, readonly unknown[]> => {
    const places: MatrixPlaces = { apply: place('apply'), transposed: place('transposed'), embed: place('embed') }
    const rules = body(places)
    const uses = matrixUses(rows, columns)
    const useOf = (rule: AnyLayer): MatrixUse | undefined =>
      rule === places.apply
        ? uses.apply
        : rule === places.transposed
          ? uses.transposed
          : rule === places.embed
            ? uses.embed
            : undefined
    const name = `tied(${rows}×${columns}: ${rules.map((rule) => rule.name).join(', ')})`

    const pullback = (
      backend: Backend,
      { weight, layers }: TiedParams,
      caches: readonly unknown[],
      gy: Tensor,
    ): Pullback<TiedParams> => {
      const cotangent: readonly (() => Tensor)[] = rules.map((_, index) =>
        lazy(() => (index + 1 < rules.length ? (inputGrad[index + 1] as () => Tensor)() : gy)),
      )
      const pulled = rules.map((rule, index) =>
        lazy(() => rule.pullback(backend, layers[index] as Tree, caches[index], (cotangent[index] as () => Tensor)())),
      )
      const inputGrad: readonly (() => Tensor)[] = rules.map((rule, index) => {
        const use = useOf(rule)
        return lazy(() =>
          use === undefined
            ? (pulled[index] as () => Pullback<Tree>)().inputGrad()
            : use.inputGrad(backend, weight, caches[index] as Tensor, (cotangent[index] as () => Tensor)()),
        )
      })
      const factors = lazy(() =>
        rules.flatMap((rule, index) => {
          const use = useOf(rule)
          return use === undefined
            ? []
            : [use.factor(backend, caches[index] as Tensor, (cotangent[index] as () => Tensor)())]
        }),
      )
      const count = gy.shape[0] as number
      const ofMatrix = lazy(() =>
        factors()
          .map((factor) => outer(backend, factor, rows))
          .reduce((sum, g) => backend.zip('add', sum, g), zeros([count, rows, columns], backend.dtype)),
      )
      const kept = lazy(() => {
        const positions = factors().reduce((sum, { a }) => sum + (a.shape[1] as number), 0)
        return (
          !gramIsCheaper(affineCosts({ positions, inputs: columns, outputs: rows })) &&
          count * rows * columns <= keptNumbersLimit
        )
      })
      const normOfMatrix = (): Tensor => {
        const all = factors()
        if (kept()) return backend.rowDots(ofMatrix(), ofMatrix())
        const positions = all.reduce((sum, { a }) => sum + (a.shape[1] as number), 0)
        const length = all.map((factor) => scaleOf(backend, factor)).reduce(add, zeros([count], 'float64'))
        const terms = all.flatMap((one, j) =>
          all.slice(0, j + 1).map((other, l) => {
            const dots = backend.rowDots(gram(backend, one.a, other.a), gramOfRows(backend, one, other))
            return zipTensorsWith((x) => (j === l ? x : 2 * x))(dots, dots)
          }),
        )
        const held = noShorterThan({
          ofSquaredNorm: summationError(backend, rows + columns + 4),
          ofGradient: 2 * summationError(backend, positions + all.length + 2),
        })(terms.reduce(add, zeros([count], 'float64')), zipTensorsWith((x, y) => x * y)(length, length))
        const squares = (of: (factor: Factor) => Tensor): Tensor => all.map(of).reduce(add, zeros([count], 'float64'))
        const lost = lostByUnderflow(backend, { t: positions, i: columns, o: rows })
        return add(
          held,
          lost(
            squares(({ a }) => backend.rowDots(a, a)),
            squares((factor) => rowSquares(backend, factor)),
          ),
        )
      }
      const weightedMatrix = (by: Tensor): Tensor =>
        kept()
          ? backend.weightedRowSum(by, ofMatrix())
          : factors()
              .map((factor) => weightedOuter(backend, factor, by, rows))
              .reduce((sum, g) => backend.zip('add', sum, g), zeros([rows, columns], backend.dtype))
      const trained = rules.map((rule, index) => useOf(rule) === undefined && hasLeaves(layers[index] as Tree))
      const readEach = (read: (p: Pullback<Tree>) => Tree): readonly Tree[] =>
        pulled.map((p, index) => (trained[index] ? read(p()) : (layers[index] as Tree)))
      return {
        inputGrad: () => inputGrad[0]?.() ?? gy,
        perSampleGrad: lazy(() => ({ weight: ofMatrix(), layers: readEach((p) => p.perSampleGrad()) })),
        squaredNorm: lazy(() =>
          pulled.reduce((sum, p, index) => (trained[index] ? add(sum, p().squaredNorm()) : sum), normOfMatrix()),
        ),
        weightedGrad: (by) => ({ weight: weightedMatrix(by), layers: readEach((p) => p.weightedGrad(by)) }),
        grouped: (labels) => {
          const of = labels as TiedParams
          const children = pulled.map((p, index) => ({
            pulled: p,
            labels: of.layers[index] as Tree,
            trained: trained[index] as boolean,
          }))
          const rest = groupedChildren(backend, children, (read) =>
            layers.map((params, index) => (trained[index] ? read(index) : params)),
          )
          const group = labelOf(of.weight) as number
          return {
            squaredNorms: () => addByGroup(new Map([[group, normOfMatrix()]]), rest.squaredNorms()),
            weightedGrad: (weights) => ({
              weight: weightedMatrix(weights[group] as Tensor),
              layers: rest.weightedGrad(weights),
            }),
          }
        },
      }
    }

    return layer<TiedParams, readonly unknown[]>({
      name,
      init: (k: Key, input: Shape) => {
        const layers: Tree[] = []
        const output = rules.reduce((shape, rule, index) => {
          const use = useOf(rule)
          const next =
            use === undefined
              ? rule.init(foldIn(index + 1)(k), shape)
              : { params: emptyTree, output: use.output(name, shape) }
          layers.push(next.params)
          return next.output
        }, input)
        const weight = fanInUniform({ shape: [rows, columns], fanIn: columns })(foldIn(0)(k))
        return { params: { weight, layers }, output }
      },
      forward: (backend, { weight, layers }, x) => {
        const caches: unknown[] = []
        const y = rules.reduce((input, rule, index) => {
          const use = useOf(rule)
          const [output, cache] =
            use === undefined
              ? rule.forward(backend, layers[index] as Tree, input)
              : [use.forward(backend, weight, input), input]
          caches.push(cache)
          return output
        }, x)
        return [y, caches]
      },
      backward: (backend, params, caches, gy) => pullback(backend, params, caches, gy).inputGrad(),
      perSampleGrad: (backend, params, caches, gy) => pullback(backend, params, caches, gy).perSampleGrad(),
      perSampleSquaredNorm: (backend, params, caches, gy) => pullback(backend, params, caches, gy).squaredNorm(),
      weightedGrad: (backend, params, caches, gy, by) => pullback(backend, params, caches, gy).weightedGrad(by),
      pullback,
    })
  }

/** Σₙ wₙ Σₜ bₜ aₜᵀ, [o, i], as one contraction over samples and positions. */
const weightedOuter = (backend: Backend, factor: Factor, weight: Tensor, rows: number): Tensor => {
  const { a, b } = factor
  if (b === undefined) return oneHotRows(backend, factor, rows).weighted(weight)
  const flat = (x: Tensor): Tensor => {
    const dense = contiguous(x)
    const [n, t, f] = x.shape as readonly [number, number, number]
    return { ...dense, shape: [n * t, f], stride: [f, 1] }
  }
  return backend.matmul(transpose()(flat(backend.scaleRows(weight, b))), flat(a))
}
