/**
 * The Gaussian mechanism: bounded sum → released value with its event.
 */
import { drawsOf, foldIn, type Key } from '../sampling/key.js'
import { standardNormals } from '../sampling/normal.js'
import { scaleTensor } from '../tensor/elementwise.js'
import { homeOf } from '../tensor/home.js'
import { allocate, contiguous, type Storage, size, storageOf, unsafeTensor } from '../tensor/tensor.js'
import { mapTree, type Tree } from '../tensor/tree.js'
import type { BoundedSum } from './clip/clip.js'
import { gaussian as gaussianEvent, type NoiseGrade, nonPrivate, type PrivacyEvent } from './event/event.js'

/** A value that may be published, and what publishing it costs. */
export interface Released<A> {
  readonly value: A
  readonly event: PrivacyEvent
}

/** The grade of the noise that a key makes: only ChaCha20 noise withstands a reader who wants to predict it. */
export const gradeOf = (key: Key): NoiseGrade => (key._tag === 'ChaCha20' ? 'secure' : 'float')

interface Noising {
  readonly sums: Storage
  readonly noise: Float64Array
  readonly deviation: number
}

/** x + deviation · z, in float64, rounded once. */
const addNoise = ({ sums, noise, deviation }: Noising, out: Storage): void => {
  for (let i = 0; i < out.length; i++) out[i] = (sums[i] as number) + deviation * (noise[i] as number)
}

/**
 * Adds independent normal noise to every number of a bounded sum.
 *
 *   x̃ = x + z,   z ~ N(0, (σ C)²),   C = l2Bound
 *
 * Guarantee  the event: Gaussian with noise multiplier σ, in the grade of the key. With σ = 0 nothing is added and the event
 *            is NonPrivate. Noise is drawn and added in float64; a float32 sum is rounded once, at the end. Floating-point
 *            noise is not proof against attacks on its lowest bits (Mironov 2012)
 * Errors     RangeError unless σ is finite and ≥ 0, or when σ > 0 and the sum has no finite bound
 * Reference  Dwork, Roth 2014, Theorem A.1; Abadi et al. 2016, arXiv:1607.00133
 *
 * @example
 * gaussian(1.1)(key(0))({ _tag: 'BoundedSum', sum: {}, l2Bound: 1 }).event // => Event.gaussian(1.1)
 */
export const gaussian = (
  noiseMultiplier: number,
): ((key: Key) => <P extends Tree>(sum: BoundedSum<P>) => Released<P>) => {
  if (!(noiseMultiplier >= 0 && Number.isFinite(noiseMultiplier)))
    throw new RangeError(`noiseMultiplier is ${noiseMultiplier}: it must be a finite number >= 0`)
  return (key) =>
    <P extends Tree>({ sum, l2Bound }: BoundedSum<P>): Released<P> => {
      if (noiseMultiplier === 0) return { value: sum, event: nonPrivate }
      if (!Number.isFinite(l2Bound))
        throw new RangeError(`l2Bound is ${l2Bound}: noise of multiplier ${noiseMultiplier} needs a finite bound`)
      const deviation = noiseMultiplier * l2Bound
      // A key for each leaf by its place: two leaves may share a path, as those of { 'a.b': … } and { a: { b: … } } do.
      let place = 0
      const value = mapTree((leaf) => {
        const own = foldIn(place++)(key)
        const home = homeOf(leaf)
        if (home !== undefined) return home.addNormals(leaf, deviation, drawsOf(own))
        const source = contiguous(leaf)
        const sums = storageOf(source).subarray(source.offset, source.offset + size(leaf))
        const out = allocate(leaf.dtype, sums.length)
        addNoise({ sums, noise: standardNormals(sums.length)(own), deviation }, out)
        return unsafeTensor(out, leaf.shape)
      })(sum)
      return { value, event: gaussianEvent(noiseMultiplier, gradeOf(key)) }
    }
}

/**
 * The released sum divided by the expected batch size: a public constant, so this is post-processing. The actual batch size
 * is private, and dividing by it would undo the bound.
 *
 * @throws RangeError unless expectedBatchSize > 0
 */
export const meanOver = (expectedBatchSize: number): (<P extends Tree>(released: Released<P>) => Released<P>) => {
  if (!(expectedBatchSize > 0))
    throw new RangeError(`expectedBatchSize is ${expectedBatchSize}: it must be a number above 0`)
  return ({ value, event }) => ({ value: mapTree(scaleTensor(1 / expectedBatchSize))(value), event })
}
