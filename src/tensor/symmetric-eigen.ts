/**
 * Eigenvalues and eigenvectors of small symmetric matrices, and functions of such matrices. Float64.
 *
 * Legend: A k × k, symmetric · V orthogonal, an eigenvector in each column · λ eigenvalues.
 */
import { shapeError } from './shape.js'
import { cast, storageOf, type Tensor, unsafeTensor } from './tensor.js'

/** A = V diag(λ) Vᵀ. */
export interface SymmetricEigen {
  /** λ, [k], ascending. */
  readonly values: Tensor
  /** V, [k, k]: column j belongs to λⱼ. */
  readonly vectors: Tensor
}

/** A square matrix as numbers that may be written to: a copy. */
const squareOf = (a: Tensor): { readonly size: number; readonly numbers: Float64Array } => {
  const [size, columns] = a.shape
  if (size === undefined || columns !== size || a.shape.length !== 2)
    throw shapeError('a symmetric matrix is square', a.shape)
  const { data, offset } = cast('float64')(a)
  return { size, numbers: Float64Array.from({ length: size * size }, (_, at) => data[offset + at] as number) }
}

/** cos and sin of the rotation in the plane of rows p, q that makes A_pq zero: the one of at most 45°. */
const rotationOf = (app: number, aqq: number, apq: number): readonly [cos: number, sin: number] => {
  const ratio = (aqq - app) / (2 * apq)
  const tangent = (ratio < 0 ? -1 : 1) / (Math.abs(ratio) + Math.sqrt(1 + ratio * ratio))
  const cos = 1 / Math.sqrt(1 + tangent * tangent)
  return [cos, tangent * cos]
}

/** (x, y) ← (cx − sy, sx + cy) for `count` pairs of numbers, each `step` after the last. */
const rotate = (
  numbers: Float64Array,
  { first, second, step, count }: Readonly<Record<'first' | 'second' | 'step' | 'count', number>>,
  [cos, sin]: readonly [number, number],
): void => {
  for (let i = 0, p = first, q = second; i < count; i++, p += step, q += step) {
    const [x, y] = [numbers[p] as number, numbers[q] as number]
    numbers[p] = cos * x - sin * y
    numbers[q] = sin * x + cos * y
  }
}

const SWEEPS = 60

/**
 * All eigenvalues and eigenvectors, by rotations of pairs of axes. The upper triangle is taken for both.
 *
 * Cost       O(k³) a sweep, 6 to 10 sweeps
 * Guarantee  ‖A − V diag(λ) Vᵀ‖ and ‖VᵀV − I‖ of the order of 1e-15 k relative to ‖A‖ and to 1; tiny eigenvalues of positive
 *            definite matrices keep relative accuracy where scaling lets them
 * Errors     ShapeError unless A is square; RangeError for numbers that are not finite
 * Reference  Jacobi 1846; Golub, Van Loan 2013, "Matrix Computations", 8.5; Demmel, Veselić 1992
 *
 * @example
 * toArray(symmetricEigen(tensor([2, 1, 1, 2], [2, 2])).values).map((value) => value.toFixed(12)) // => ['1.000000000000', '3.000000000000']
 */
export const symmetricEigen = (a: Tensor): SymmetricEigen => {
  const { size, numbers } = squareOf(a)
  for (let p = 0; p < size; p++) for (let q = 0; q < p; q++) numbers[p * size + q] = numbers[q * size + p] as number
  if (!numbers.every(Number.isFinite))
    throw new RangeError('symmetricEigen: the matrix holds numbers that are not finite')
  const vectors = Float64Array.from({ length: size * size }, (_, at) => (at % (size + 1) === 0 ? 1 : 0))
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let rotations = 0
    for (let p = 0; p < size; p++)
      for (let q = p + 1; q < size; q++) {
        const [app, aqq, apq] = [p * size + p, q * size + q, p * size + q].map((at) => numbers[at] as number) as [
          number,
          number,
          number,
        ]
        // What is below the rounding of both of its diagonal elements would not change them.
        if (Math.abs(apq) <= 2 ** -54 * Math.sqrt(Math.abs(app) * Math.abs(aqq)) || Math.abs(apq) < 1e-300) continue
        rotations++
        const rotation = rotationOf(app, aqq, apq)
        rotate(numbers, { first: p, second: q, step: size, count: size }, rotation)
        rotate(numbers, { first: p * size, second: q * size, step: 1, count: size }, rotation)
        rotate(vectors, { first: p, second: q, step: size, count: size }, rotation)
        numbers[p * size + q] = 0
        numbers[q * size + p] = 0
      }
    if (rotations === 0) break
  }
  const order = Array.from({ length: size }, (_, j) => j).sort(
    (i, j) => (numbers[i * (size + 1)] as number) - (numbers[j * (size + 1)] as number),
  )
  return {
    values: unsafeTensor(
      Float64Array.from(order, (j) => numbers[j * (size + 1)] as number),
      [size],
    ),
    vectors: unsafeTensor(
      Float64Array.from(
        { length: size * size },
        (_, at) => vectors[at - (at % size) + (order[at % size] as number)] as number,
      ),
      [size, size],
    ),
  }
}

/**
 * A function of a symmetric matrix: V diag(f(λ)) Vᵀ.
 *
 * @example
 * // The inverse square root of a positive definite matrix: mapSpectrum((value) => 1 / Math.sqrt(value))(covariance)
 */
export const mapSpectrum =
  (f: (value: number) => number) =>
  (a: Tensor): Tensor => {
    const { values, vectors } = symmetricEigen(a)
    const size = values.shape[0] as number
    const [v, mapped] = [storageOf(vectors), Float64Array.from(storageOf(values), f)]
    const out = new Float64Array(size * size)
    for (let i = 0; i < size; i++)
      for (let j = 0; j <= i; j++) {
        let sum = 0
        for (let k = 0; k < size; k++)
          sum += (v[i * size + k] as number) * (mapped[k] as number) * (v[j * size + k] as number)
        out[i * size + j] = sum
        out[j * size + i] = sum
      }
    return unsafeTensor(out, [size, size])
  }
