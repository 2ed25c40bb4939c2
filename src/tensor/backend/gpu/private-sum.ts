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

/** Normal noise from a key of Threefry-2x32. */
export interface DeviceNoise {
  readonly words: readonly [number, number]
  readonly deviation: number
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
  /** Σₙ wₙ xₙ over the samples whose weight is above 0: [n], [n, …] → […]. */
  readonly clippedRowSum: (weight: Tensor, x: Tensor) => Tensor
  /** x + deviation · z, where z are the variates of the key, to 10⁻⁵ of `standardNormals`. */
  readonly addNormals: (x: Tensor, noise: DeviceNoise) => Tensor
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

  return {
    canClip,
    canDraw,

    squaredNorms: (rows) => {
      const n = rows[0]?.shape[0] ?? 0
      if (rows.some(({ shape }) => shape[0] !== n))
        throw shapeError('squaredNorms: rows differ in number', ...rows.map(({ shape }) => shape))
      const filled = rows.filter((leaf) => size(leaf) > 0)
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

    clippedRowSum: (weight, x) => {
      if (x.shape.length === 0 || !ShapeEq.equals(weight.shape, x.shape.slice(0, 1)))
        throw shapeError('clippedRowSum: one weight for each row', weight.shape, x.shape)
      const shape = x.shape.slice(1)
      if (size(x) === 0) return zerosOf(shape, 'float32')
      const parameters = [size(weight), sizeOf(shape)]
      return tensorOf(session.launch('clippedRowSum', [on(weight), on(x)], parameters, sizeOf(shape)), shape)
    },

    addNormals: (x, { words, deviation }) => {
      if (size(x) === 0) return zerosOf(x.shape, 'float32')
      const parameters = [...halves(words[0]), ...halves(words[1]), deviation]
      return tensorOf(session.launch('addNormals', [on(x)], parameters, size(x)), x.shape)
    },

    joined: (parts) => {
      const [first, ...rest] = parts.filter((part) => size(part) > 0)
      if (first === undefined) return zerosOf([0], 'float32')
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
