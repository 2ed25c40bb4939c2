/**
 * Which two datasets count as neighbours. An ε says nothing without it, so every answer of an accountant carries it.
 */

/**
 * - `addOrRemoveOne`: one has one record more than the other.
 * - `replaceOne`: they are of one size and differ in one record. A clipped sum then moves by up to twice its bound.
 * - `replaceSpecial`: one record is replaced by a record that contributes nothing (zero-out). The size stays, and a clipped
 *   sum moves by its bound, as under `addOrRemoveOne`; what changes is that batch sizes and batch order are the same.
 */
export type Neighbouring = 'addOrRemoveOne' | 'replaceOne' | 'replaceSpecial'

/** All relations. */
export const neighbouringRelations: readonly Neighbouring[] = ['addOrRemoveOne', 'replaceOne', 'replaceSpecial']

/**
 * How far one clipped sum can move between neighbours, in units of the clip bound C.
 *
 * @example
 * sensitivityOf('replaceOne') // => 2
 */
export const sensitivityOf = (neighbouring: Neighbouring): 1 | 2 => (neighbouring === 'replaceOne' ? 2 : 1)

/** An (ε, δ) guarantee. */
export interface ApproximateGuarantee {
  readonly epsilon: number
  readonly delta: number
}

/**
 * What a guarantee for one step says about datasets that are `size` steps apart.
 *
 *   (ε, δ) → (kε, δ (1 + e^ε + … + e^((k−1)ε)))
 *
 * One record replaced by another is two steps of adding or removing one. The other way there is no conversion: a guarantee about
 * replaced records says nothing about datasets of different sizes.
 *
 * Reference  Vadhan 2017, "The complexity of differential privacy", Lemma 2.2
 *
 * @example
 * approximateDpOfGroup(2)({ epsilon: 1, delta: 0 }) // => { epsilon: 2, delta: 0 }
 */
export const approximateDpOfGroup =
  (size: number) =>
  ({ epsilon, delta }: ApproximateGuarantee): ApproximateGuarantee => {
    // The sum is e^((k−1)ε) (1 − e^(−kε))/(1 − e^(−ε)): its first factor may exceed 64 bits where the product with δ does not.
    // An exponent is rounded by 1.2e-16 of itself, which is what its power is off by.
    const exponent = (size - 1) * epsilon
    const last = Math.exp(exponent)
    const scaled = last < Infinity ? delta * last : Math.exp(Math.log(delta) + exponent) * (1 + 1e-12)
    return {
      epsilon: size * epsilon,
      delta: Math.min(
        1,
        delta === 0
          ? 0
          : epsilon === 0
            ? size * delta
            : ((scaled * Math.expm1(-size * epsilon)) / Math.expm1(-epsilon)) * (1 + 8e-16 + 2e-16 * exponent),
      ),
    }
  }

/**
 * An (ε, δ) mechanism on a Poisson sample, when one record is added or removed.
 *
 *   (ε, δ) → (log(1 + q(e^ε − 1)), qδ)
 *
 * Reference  Balle, Barthe & Gaboardi 2018, arXiv:1807.01647, Thm 8
 *
 * @example
 * sampledApproximateDp(1)({ epsilon: 1, delta: 0.5 }) // => { epsilon: 1, delta: 0.5 }
 */
export const sampledApproximateDp =
  (samplingProbability: number) =>
  ({ epsilon, delta }: ApproximateGuarantee): ApproximateGuarantee => ({
    epsilon: epsilon > 700 ? epsilon : Math.log1p(samplingProbability * Math.expm1(epsilon)),
    delta: samplingProbability * delta,
  })

/**
 * The largest ε of a mechanism that is ε-DP on its Poisson sample: log(1 + (e^ε − 1)/q), the inverse of `sampledApproximateDp`. Laplace
 * noise of scale Δ over this, continuous or discrete, meets the ε.
 *
 * @example
 * epsilonBeforeSampling(1)(2) // => 2
 */
export const epsilonBeforeSampling =
  (samplingProbability: number) =>
  (epsilon: number): number =>
    samplingProbability === 1
      ? epsilon
      : epsilon > 700
        ? epsilon - Math.log(samplingProbability)
        : Math.log1p(Math.expm1(epsilon) / samplingProbability)

/**
 * The relation in words.
 *
 * @example
 * showNeighbouring('addOrRemoveOne') // => 'adding or removing one record'
 */
export const showNeighbouring = (neighbouring: Neighbouring): string =>
  neighbouring === 'addOrRemoveOne'
    ? 'adding or removing one record'
    : neighbouring === 'replaceOne'
      ? 'replacing one record by another'
      : 'replacing one record by one that contributes nothing'
