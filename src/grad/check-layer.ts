/**
 * Does a layer rule obey the laws? For researchers who wrote one: what is wrong, in words.
 */
import type { Task } from 'fp-ts/lib/Task.js'
import { foldIn, type Key, key } from '../sampling/key.js'
import { uniform } from '../sampling/uniform.js'
import type { Backend } from '../tensor/backend/backend.js'
import { loadReference } from '../tensor/backend/load-reference.js'
import { mapTensor, zipTensorsWith } from '../tensor/elementwise.js'
import { type Shape, ShapeEq, showShape } from '../tensor/shape.js'
import { cast, full, type Tensor, toArray } from '../tensor/tensor.js'
import { emptyTree, leaves, mapTree, namedLeaves, type Tree } from '../tensor/tree.js'
import { concatenate, take } from '../tensor/view.js'
import { sequential } from './composition/sequential.js'
import { finiteDifferenceGrad } from './finite-difference.js'
import { groupedReadings, groupedRows, labelled } from './grouped.js'
import { asLayer, type LayerRule, type Pullback, squaredNormOfRows, weightedSumOfRows } from './layer.js'
import { tanh } from './layers/activation.js'
import type { Loss } from './losses/loss.js'

/** What `checkLayer` needs to know of a layer. */
export interface CheckLayerOptions {
  /** The shape of one sample. */
  readonly input: Shape
  /** Draws inputs [n, …]; default uniform on [−1, 1). Where they are integers (tokens), they are not differentiated. */
  readonly draw?: (shape: Shape) => (key: Key) => Tensor
  /** Default 0: another key, other numbers. */
  readonly key?: Key
}

/** A law that does not hold, and what was seen. */
export interface BrokenLaw {
  readonly law: string
  readonly sentence: string
}

const symmetric =
  (shape: Shape) =>
  (k: Key): Tensor =>
    mapTensor((u) => 2 * u - 1)(uniform(shape, 'float64')(k))

/** The largest magnitude among some numbers. */
const largestOf = (numbers: readonly number[], least: number): number =>
  numbers.reduce((largest, v) => Math.max(largest, Math.abs(v)), least)

/**
 * What a difference is measured by: the size of the numbers and 1, that of each leaf alone, or that of the whole tree, of gradients or of
 * squared norms.
 */
type Scale = 'one' | 'leaf' | 'tree' | 'squares'

/** What rounding may leave of numbers of size 1 that cancel, as the gradients of standardised weights do. */
const LEFT: Readonly<Record<Scale, number>> = { one: 0, leaf: 0, tree: 1e-13, squares: 1e-26 }

/**
 * A sentence where two trees differ by more than `tolerance` of their scale, or in shape. Small numbers can only be told apart on
 * a scale of their own.
 */
const difference = (found: Tree, wanted: Tree, tolerance: number, scale: Scale = 'one'): string | undefined => {
  const [a, b] = [namedLeaves(found), namedLeaves(wanted)]
  if (a.length !== b.length) return `there are ${a.length} leaves for ${b.length}`
  const least = scale === 'one' ? 1 : scale === 'leaf' ? 0 : largestOf(leaves(wanted).flatMap(toArray), 0)
  for (const [i, { path, leaf }] of a.entries()) {
    const other = (b[i] as (typeof b)[number]).leaf
    const at = path === '' ? '' : `'${path}' `
    if (path !== b[i]?.path) return `leaf '${path}' stands where '${b[i]?.path}' should`
    if (!ShapeEq.equals(leaf.shape, other.shape))
      return `${at}has shape ${showShape(leaf.shape)}, not ${showShape(other.shape)}`
    const [x, y] = [toArray(leaf), toArray(other)]
    const most = tolerance * largestOf(y, least) + LEFT[scale]
    const wrong = x.findIndex((v, j) => !(Math.abs(v - (y[j] as number)) <= most || Object.is(v, y[j])))
    if (wrong >= 0) return `${at}element ${wrong} is ${x[wrong]}, not ${y[wrong]}`
  }
  return undefined
}

/** As `difference`, but only where two difference quotients agree: elsewhere a kink lies within the step. */
const derivativeDifference = (found: Tree, coarse: Tree, fine: Tree): string | undefined => {
  const wide = leaves(coarse)
  const judged = leaves(fine).map((leaf, i) =>
    zipTensorsWith((c, f) => (Math.abs(c - f) <= 1e-6 * (1 + Math.abs(f)) ? f : Number.NaN))(wide[i] as Tensor, leaf),
  )
  const own = leaves(found)
  if (own.length !== judged.length || own.some((leaf, i) => !ShapeEq.equals(leaf.shape, judged[i]?.shape ?? [-1])))
    return difference(found, fine, 1e-5)
  const trusted = judged.map((leaf, i) => zipTensorsWith((f, x) => (Number.isNaN(f) ? x : f))(leaf, own[i] as Tensor))
  return difference(own, trusted, 1e-5)
}

/** ℓₙ = ⟨yₙ, targetₙ⟩: its cotangent is its target. */
const pairing =
  (backend: Backend): Loss =>
  (prediction, target) => ({ value: backend.rowDots(prediction, target), cotangent: target })

/**
 * Checks a layer rule on random numbers against the laws that everything else stands on, on the reference backend, and
 * says which are broken: no list, no problem found.
 *
 *   init tells the shape of forward · samples do not see each other, not even one that is NaN or huge · the empty batch · backward
 *   and perSampleGrad are the derivatives of forward · norms and weighted sums are those of perSampleGrad · a pullback reads what the
 *   methods return, by groups of parameters too · an activation behind the layer is gone into (`forwardThen`, `pullbackThrough`) as it
 *   is gone through
 *
 * Cost  a few forward and backward passes, and two forward passes for each parameter: use a small instance
 *
 * @example
 * await checkLayer({ input: [3] })(linear(2))() // => []
 */
export const checkLayer =
  ({ input, draw = symmetric, key: source = key(0) }: CheckLayerOptions) =>
  <P extends Tree, C>(rule: LayerRule<P, C>): Task<readonly BrokenLaw[]> =>
  async () => {
    const backend = await loadReference()
    const { params: initial, output } = rule.init(foldIn(0)(source), input)
    let index = 0
    const params = mapTree((leaf) =>
      zipTensorsWith((a, b) => a + b / 2)(cast('float64')(leaf), symmetric(leaf.shape)(foldIn(100 + index++)(source))),
    )(initial)
    const count = 3
    const x = draw([count, ...input])(foldIn(1)(source))
    const gy = symmetric([count, ...output])(foldIn(2)(source))
    const weight = symmetric([count])(foldIn(3)(source))

    const passes = (inputs: Tensor, cotangent: Tensor, by: Tensor) => {
      const [y, cache] = rule.forward(backend, params, inputs)
      return {
        y,
        inputGrad: rule.backward(backend, params, cache, cotangent),
        perSampleGrad: rule.perSampleGrad(backend, params, cache, cotangent),
        squaredNorm: rule.perSampleSquaredNorm(backend, params, cache, cotangent),
        weightedGrad: rule.weightedGrad(backend, params, cache, cotangent, by),
        pulled: rule.pullback(backend, params, cache, cotangent),
      }
    }
    /** All passes on copies of some samples. */
    const at = (rows: readonly number[]) => passes(take(rows)(x), take(rows)(gy), take(rows)(weight))
    const rowwise = ({ y, inputGrad, perSampleGrad, squaredNorm }: ReturnType<typeof passes>): Tree => ({
      y,
      inputGrad,
      perSampleGrad,
      squaredNorm,
    })
    const loss = pairing(backend)
    const differences = (step: number): Tree =>
      finiteDifferenceGrad(loss, backend, step)(rule)(params, { input: x, target: gy })
    const direction = symmetric(x.shape)(foldIn(4)(source))
    const quotient = (step: number): Tensor => {
      const along = (h: number) =>
        rule.forward(backend, params, zipTensorsWith((a, b) => a + h * b)(cast('float64')(x), direction))[0]
      const difference = zipTensorsWith((a, b) => (a - b) / (2 * step))(along(step), along(-step))
      return backend.rowDots(gy, difference)
    }

    const laws: Readonly<Record<string, () => string | undefined>> = {
      'init tells the shape of the output of forward': () => {
        const { shape } = at([0, 1, 2]).y
        const told = [count, ...output]
        return ShapeEq.equals(shape, told)
          ? undefined
          : `forward gives ${showShape(shape)}, init tells ${showShape(told)}`
      },
      'arguments are not written to': () => {
        const own = [params, x, gy, weight]
        const before = mapTree(copy)(own)
        passes(x, gy, weight)
        const changed = difference(own, before, 0)
        return changed === undefined ? undefined : `after a pass, of [parameters, x, gy, weight] ${changed}`
      },
      'samples do not see each other': () =>
        difference(rowwise(at([2, 0])), mapTree(take([2, 0]))(rowwise(at([0, 1, 2]))), 1e-12, 'leaf'),
      'a sample that is NaN or huge stays alone': () => {
        if (x.dtype === 'int32') return undefined
        const others = mapTree(take([0, 2]))
        const alone = rowwise(at([0, 2]))
        for (const v of [Number.NaN, 1e30]) {
          const own = cast('float64')(x)
          const spoilt = concatenate([take([0])(own), full(v, [1, ...input], 'float64'), take([2])(own)])
          const found = difference(others(rowwise(passes(spoilt, gy, weight))), alone, 1e-12, 'leaf')
          if (found !== undefined) return `beside a sample of ${v} ${found}`
        }
        return undefined
      },
      'the empty batch is a batch': () => {
        const { y, inputGrad, perSampleGrad, squaredNorm, weightedGrad } = at([])
        const zero = mapTree((leaf) => full(0, leaf.shape, 'float64'))(params)
        const empty = (shape: Shape) => full(0, [0, ...shape], 'float64')
        return difference(
          [y, inputGrad, perSampleGrad, squaredNorm, weightedGrad],
          [empty(output), empty(input), mapTree((leaf) => empty(leaf.shape))(params), empty([]), zero],
          1e-12,
        )
      },
      'perSampleGrad is the derivative of forward in the parameters, by finite differences': () =>
        derivativeDifference(at([0, 1, 2]).perSampleGrad, differences(2e-5), differences(1e-5)),
      'backward is the derivative of forward in the input, by finite differences': () =>
        x.dtype === 'int32'
          ? undefined
          : derivativeDifference(backend.rowDots(at([0, 1, 2]).inputGrad, direction), quotient(2e-5), quotient(1e-5)),
      'perSampleSquaredNorm is the squared norm of perSampleGrad': () => {
        const { squaredNorm, perSampleGrad } = at([0, 1, 2])
        return difference(squaredNorm, squaredNormOfRows(backend, count)(perSampleGrad), 1e-9, 'squares')
      },
      'weightedGrad is the weighted sum of perSampleGrad': () => {
        const { weightedGrad, perSampleGrad } = at([0, 1, 2])
        return difference(weightedGrad, weightedSumOfRows(backend, weight)(perSampleGrad), 1e-9, 'tree')
      },
      'a pullback reads what the methods return': () => {
        const { pulled, inputGrad, perSampleGrad, squaredNorm, weightedGrad } = at([0, 1, 2])
        const readings: readonly (readonly [found: Tree, wanted: Tree, scale: Scale])[] = [
          [pulled.inputGrad(), inputGrad, 'tree'],
          [pulled.perSampleGrad(), perSampleGrad, 'tree'],
          [pulled.squaredNorm(), squaredNorm, 'squares'],
          [pulled.weightedGrad(weight), weightedGrad, 'tree'],
        ]
        return readings.map(([found, wanted, scale]) => difference(found, wanted, 1e-9, scale)).find(isSentence)
      },
      'an activation behind the layer is gone into as it is gone through': () => {
        const both = sequential(asLayer(rule), asLayer(tanh))
        const theirs = [params as Tree, emptyTree as Tree] as const
        const [y, caches] = both.forward(backend, theirs, x)
        const together = both.pullback(backend, theirs, caches, gy)
        const [inner, cache] = rule.forward(backend, params, x)
        const [outer, ofTanh] = tanh.forward(backend, emptyTree, inner)
        const apart = rule.pullback(backend, params, cache, tanh.backward(backend, emptyTree, ofTanh, gy))
        const read = (p: Pullback<Tree>, output: Tensor, own: (tree: Tree) => Tree): Tree => [
          output,
          p.inputGrad(),
          own(p.perSampleGrad()),
          own(p.weightedGrad(weight)),
        ]
        return difference(
          read(together, y, (tree) => (tree as readonly Tree[])[0] as Tree),
          read(apart as Pullback<Tree>, outer, (tree) => tree),
          1e-9,
          'tree',
        )
      },
      'a pullback reads groups of parameters as their gradients say': () => {
        const { pulled, perSampleGrad } = at([0, 1, 2])
        const places = new Map(namedLeaves(params).map(({ path }, place) => [path, place]))
        if (places.size < 2) return undefined
        const labels = labelled((path) => places.get(path) as number)(params)
        const weights = Array.from(places, (_, place) => mapTensor((w) => w / (1 + place))(weight))
        const [found, wanted] = [
          groupedReadings(backend, pulled, labels),
          groupedRows(backend, labels, () => perSampleGrad),
        ].map((readings) => {
          const norms = readings.squaredNorms()
          const none = full(0, [count], 'float64')
          return [weights.map((_, place) => norms.get(place) ?? none), readings.weightedGrad(weights)] as const
        }) as unknown as readonly [readonly Tree[], readonly Tree[]]
        return found
          .map((tree, i) => difference(tree, wanted[i] as Tree, 1e-9, i === 0 ? 'squares' : 'tree'))
          .find(isSentence)
      },
    }
    return Object.entries(laws).flatMap(([law, holds]) => {
      try {
        const sentence = holds()
        return sentence === undefined ? [] : [{ law, sentence: `${rule.name}: ${sentence}` }]
      } catch (cause) {
        return [{ law, sentence: `${rule.name} throws: ${cause instanceof Error ? cause.message : String(cause)}` }]
      }
    })
  }

const isSentence = (found: string | undefined): found is string => found !== undefined

/** The same numbers in storage of their own. */
const copy = (t: Tensor): Tensor => mapTensor((v) => v)(t)
