/**
 * Dead leaves: images of nothing, with the edges and the scales of photographs. Nobody's data is in them, so what is
 * learnt from them costs no privacy.
 */
import { foldIn, type Key, randomBits } from '../sampling/key.js'
import { type Tensor, unsafeTensor } from '../tensor/tensor.js'

/** Which images of dead leaves to draw. */
export interface DeadLeavesRequest {
  readonly count: number
  /** Of one image: planes, rows, columns. */
  readonly shape: readonly [planes: number, rows: number, columns: number]
  readonly key: Key
}

/** The smallest radius, in pixels; the largest is half of the image. */
const SMALLEST = 1
/** Length of the short axis of a leaf over the long one. */
const FLATTEST = 0.3
/** What is not covered by so many leaves stays black. */
const MOST_LEAVES = 4000
/** Uniforms for the place, the size and the form of a leaf; more for its colour. */
const FORM = 6

/** Numbers on [0, 1) one after the other, from keys of blocks. */
const uniformsFrom = (source: Key, block: number): ((index: number) => number) => {
  let loaded = -1
  let words: Readonly<ArrayLike<number>> = []
  return (index) => {
    const wanted = Math.floor(index / block)
    if (wanted !== loaded) {
      loaded = wanted
      words = randomBits(block)(foldIn(wanted)(source))
    }
    return (words[index % block] as number) * 2 ** -32
  }
}

/** One image, from the front leaf to the back: a pixel has the colour of the first leaf that covers it. */
const drawLeaves = (
  out: Float32Array,
  start: number,
  [planes, rows, columns]: DeadLeavesRequest['shape'],
  key: Key,
): void => {
  const covered = new Uint8Array(rows * columns)
  const largest = Math.max(SMALLEST, rows / 2, columns / 2)
  const uniform = uniformsFrom(key, (FORM + planes) * 64)
  let left = covered.length
  for (let leaf = 0; leaf < MOST_LEAVES && left > 0; leaf++) {
    const u = (index: number): number => uniform(leaf * (FORM + planes) + index)
    // Inverse distribution of the density r⁻³ between the two radii.
    const radius = 1 / Math.sqrt(SMALLEST ** -2 + u(0) * (largest ** -2 - SMALLEST ** -2))
    const [y, x] = [(rows + 2 * radius) * u(1) - radius, (columns + 2 * radius) * u(2) - radius]
    // A direction of a point in a square: not quite uniform, and the same bits on every machine.
    const [dy, dx] = [u(3) - 0.5, u(4) - 0.5]
    const length = Math.max(Math.sqrt(dy * dy + dx * dx), 1e-9)
    const [sin, cos] = [dy / length, dx / length]
    const across = radius * (FLATTEST + (1 - FLATTEST) * u(5))
    const [top, bottom] = [Math.max(0, Math.ceil(y - radius)), Math.min(rows - 1, Math.floor(y + radius))]
    const [first, last] = [Math.max(0, Math.ceil(x - radius)), Math.min(columns - 1, Math.floor(x + radius))]
    for (let row = top; row <= bottom; row++)
      for (let column = first; column <= last; column++) {
        const at = row * columns + column
        if (covered[at] === 1) continue
        const [v, h] = [row - y, column - x]
        const [a, b] = [(v * sin + h * cos) / radius, (h * sin - v * cos) / across]
        if (a * a + b * b > 1) continue
        covered[at] = 1
        left--
        for (let plane = 0; plane < planes; plane++) out[start + plane * covered.length + at] = u(FORM + plane)
      }
  }
}

/**
 * Images of ellipses that lie one on the other, of every size, with radii of density r⁻³ as in nature: their statistics do
 * not change when they are scaled.
 *
 * Shapes     float32 [count, planes, rows, columns] on [0, 1)
 * Cost       some 0.3 ms for 28 × 28 pixels
 * Guarantee  image i depends on (key, i) alone; the same bits on every machine
 * Reference  Lee, Mumford, Huang 2001, "Occlusion models for natural images"; used to learn from: Baradad et al. 2021,
 *            arXiv:2106.05963
 *
 * @example
 * drawDeadLeaves({ count: 2, shape: [1, 8, 9], key: key(0) }).shape // => [2, 1, 8, 9]
 */
export const drawDeadLeaves = ({ count, shape, key }: DeadLeavesRequest): Tensor => {
  const [planes, rows, columns] = shape
  const size = planes * rows * columns
  const out = new Float32Array(count * size)
  for (let i = 0; i < count; i++) drawLeaves(out, i * size, shape, foldIn(i)(key))
  return unsafeTensor(out, [count, ...shape])
}
