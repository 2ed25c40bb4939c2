/**
 * Clipping, summing and noising on the device: what a private step does between the gradients of its samples and the one
 * vector that is read.
 */
import { ShapeEq, shapeError, sizeOf } from '../../shape.js'
import { size, type Tensor } from '../../tensor.js'
import { dense } from './operands.js'
import { pairsOfDots } from './products.js'
import { type Session, type Slot, zerosOf } from './session.js'

/** How weights follow from norms, in units of the gradient. */
export interface DeviceWeights {
  /** `flat`: min(1, C/s). `automatic`: C/(s + stability). */
  readonly rule: 'flat' | 'automatic'
  readonly l2ClipNorm: number
  readonly stability: number
}

/** Normal variates of a key of Threefry-2x32. */
export interface DeviceStream {
  readonly words: readonly [number, number]
  /** So many variates, from its first. */
  readonly length: number
}

/** Operations whose results stay on the device until somebody looks at them. */
export interface PrivateSums {
  /** Did the device give the known answers about norms and weights? Else clip on the host. */
  readonly canClip: boolean
  /** Did it draw the known variates? Else add noise on the host. */
  readonly canDraw: boolean
  /**
   * ‖row n of all leaves together‖², [n], float32: within 2⁻¹⁷ of the truth for at most 100 leaves, infinite above about
   * 10³⁸, and short by at most 2⁻¹²⁰ for each number of a row, whose square may be lost.
   */
  readonly squaredNorms: (rows: readonly Tensor[]) => Tensor
  /** The weight of each sample: w · ‖row‖ ≤ C for every row whose square was found by `squaredNorms`; 0 where that is not finite. */
  readonly clipWeights: (squares: Tensor, numbersOfARow: number, weights: DeviceWeights) => Tensor
  /**
   * Σₙ wₙ xₙ over the samples whose weight is above 0, of each tensor [n, …]: all numbers in their order, in a vector for each
   * or in one.
   */
  readonly clippedSums: (weight: Tensor, rows: readonly Tensor[]) => readonly Tensor[]
  /** What `clippedSums` gave, with deviation · z on it: the variates of a key for each tensor, to 10⁻⁵ of `standardNormals`. */
  readonly addNormals: (
    sums: readonly Tensor[],
    streams: readonly DeviceStream[],
    deviation: number,
  ) => readonly Tensor[]
  /** All numbers of some tensors as one vector. */
  readonly joined: (parts: readonly Tensor[]) => Tensor
}

/**
 * By how much less than C a weighted gradient is, and squares are taken for more. The first covers square root, quotient,
 * weight and product, each of a few units of 2⁻²⁴ in the shading languages; the second the sum over leaves.
 */
const MARGIN = 1 - 2 ** -14
const ROOM = 1 + 2 ** -15
/** What rounding to 0 can take from a square: everything below the smallest normal number, and a little of what makes it up. */
const LOST = 2 ** -120
/** Above it, a square of float32 is as good as infinite. */
const LARGEST = 2 ** 126

/** The parameters of the kernel `clipWeights`. @internal */
export const clipParameters = (
  numbersOfARow: number,
  { rule, l2ClipNorm, stability }: DeviceWeights,
): readonly number[] => [
  rule === 'automatic' ? 1 : 0,
  l2ClipNorm,
  stability,
  l2ClipNorm * MARGIN,
  ROOM,
  numbersOfARow * LOST,
  LARGEST,
]

const halves = (word: number): readonly [number, number] => [word >>> 16, word & 0xffff]

export const privateSums = (
  session: Session,
  { canClip, canDraw }: Pick<PrivateSums, 'canClip' | 'canDraw'>,
): PrivateSums => {
  const on = dense(session)
  const tensorOf = (slot: Slot, shape: readonly number[]): Tensor => session.tensorOf(slot, shape)

  const clippedRowSum = (weight: Tensor, x: Tensor): Tensor => {
    const length = size(x) / size(weight)
    return tensorOf(session.launch('clippedRowSum', [on(weight), on(x)], [size(weight), length], length), [length])
  }

  const noised = (x: Tensor, { words }: DeviceStream, deviation: number): Tensor => {
    const parameters = [...halves(words[0]), ...halves(words[1]), deviation]
    return tensorOf(session.launch('addNormals', [on(x)], parameters, size(x)), x.shape)
  }

  return {
    canClip,
    canDraw,

    squaredNorms: (rows) => {
      const n = rows[0]?.shape[0] ?? 0
      if (rows.some(({ shape }) => shape[0] !== n))
        throw shapeError('squaredNorms: rows differ in number', ...rows.map(({ shape }) => shape))
      const filled = rows.filter((leaf) => size(leaf) > 0)
      if (filled.length === 0) return zerosOf([n], 'float32')
      if (session.hasGroups) {
        const parameters = [n, ...filled.map((leaf) => size(leaf) / n)]
        return tensorOf(session.launch('squaredNorms', filled.map(on), parameters, n), [n])
      }
      return filled.reduce(
        (total, leaf) => {
          const numbers = on(leaf)
          const pairs = pairsOfDots(session, [numbers, numbers], n, size(leaf) / n)
          return tensorOf(session.launch('addPairs', [on(total), pairs], [2], n), [n])
        },
        zerosOf([n], 'float32'),
      )
    },

    clipWeights: (squares, numbersOfARow, weights) => {
      if (size(squares) === 0) return zerosOf(squares.shape, 'float32')
      const parameters = clipParameters(numbersOfARow, weights)
      return tensorOf(session.launch('clipWeights', [on(squares)], parameters, size(squares)), squares.shape)
    },

    clippedSums: (weight, rows) => {
      const bad = rows.find(({ shape }) => shape.length === 0 || !ShapeEq.equals(weight.shape, shape.slice(0, 1)))
      if (bad !== undefined) throw shapeError('clippedSums: one weight for each row', weight.shape, bad.shape)
      const lengths = rows.map(({ shape }) => sizeOf(shape.slice(1)))
      if (size(weight) === 0) return lengths.map((length) => zerosOf([length], 'float32'))
      const filled = rows.filter((leaf) => size(leaf) > 0)
      if (!session.hasGroups || filled.length === 0)
        return rows.map((leaf) => (size(leaf) === 0 ? zerosOf([0], 'float32') : clippedRowSum(weight, leaf)))
      const total = lengths.reduce((sum, length) => sum + length, 0)
      const parameters = [size(weight), ...filled.map((leaf) => size(leaf) / size(weight))]
      return [tensorOf(session.launch('clippedSums', [on(weight), ...filled.map(on)], parameters, total), [total])]
    },

    addNormals: (sums, streams, deviation) => {
      const [all] = sums
      if (sums.length === streams.length)
        return sums.map((x, i) => (size(x) === 0 ? x : noised(x, streams[i] as DeviceStream, deviation)))
      if (sums.length !== 1 || all === undefined)
        throw new RangeError(`${streams.length} streams of noise for ${sums.length} tensors`)
      const filled = streams.filter(({ length }) => length > 0)
      const parameters = [deviation, ...filled.flatMap(({ words, length }) => [length, words[0] | 0, words[1] | 0])]
      return [tensorOf(session.launch('noised', [on(all)], parameters, size(all)), all.shape)]
    },

    joined: (parts) => {
      const [first, ...rest] = parts.filter((part) => size(part) > 0)
      if (first === undefined) return zerosOf([0], 'float32')
      if (session.hasGroups) {
        const all = [first, ...rest]
        const length = all.reduce((sum, part) => sum + size(part), 0)
        return tensorOf(session.launch('joined', all.map(on), all.map(size), length), [length])
      }
      const slot = rest.reduce(
        (so, part) => {
          const length = so.length + size(part)
          return { slot: session.launch('join', [so.slot, on(part)], [so.length], length), length }
        },
        { slot: on(first), length: size(first) },
      )
      return tensorOf(slot.slot, [slot.length])
    },
  }
}
