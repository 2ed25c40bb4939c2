/**
 * The loss as a function of what is released, and back: for looking at a mechanism, and for tests that look at one.
 *
 * Outcomes are in units of the noise, and a record moves them by `ratio` > 0. P is the law with the record where it is `remove`d; it has
 * the record, and Q one with the opposite effect, where it is `replace`d.
 */
import { sampledLoss, unsampledLoss } from './poisson-pair.js'

/** Noise, how far a record moves the outcome in its units, how likely it takes part, and the pair. */
export interface OutcomeMechanism {
  readonly noise: 'gaussian' | 'laplace'
  readonly ratio: number
  readonly samplingProbability: number
  readonly pair: 'remove' | 'add' | 'replace'
}

/** L as a function of the outcome z, monotone; and the end of {L ≥ t} that is finite, ±∞ where all or no outcome has such a loss. */
export interface OutcomeLoss {
  readonly loss: (z: number) => number
  readonly outcome: (t: number) => number
}

/** How close a loss must be to the largest one to be meant by it. */
const CLOSE = 1e-12

/**
 * The loss of a mechanism with additive noise.
 *
 * @example
 * outcomeLoss({ noise: 'gaussian', ratio: 1, samplingProbability: 1, pair: 'remove' }).loss(0.5) // => 0
 */
export const outcomeLoss = ({ noise, ratio, samplingProbability: q, pair }: OutcomeMechanism): OutcomeLoss => {
  const base = (z: number): number =>
    noise === 'gaussian' ? ratio * (z - 0.5 * ratio) : Math.abs(z) - Math.abs(z - ratio)
  const [sampled, unsampled] =
    q < 1 ? [sampledLoss(q), unsampledLoss(q)] : [(l: number): number => l, (l: number): number => l]
  const least = pair === 'add' ? -Infinity : q < 1 ? Math.log1p(-q) : -Infinity
  const fromBase = (l: number): number => {
    if (noise === 'gaussian') return l / ratio + 0.5 * ratio
    const reach = ratio * (1 + CLOSE) + CLOSE
    if (pair === 'add') return l >= ratio ? Infinity : l < -reach ? -Infinity : 0.5 * (Math.max(l, -ratio) + ratio)
    return l <= -ratio ? -Infinity : l > reach ? Infinity : 0.5 * (Math.min(l, ratio) + ratio)
  }
  switch (pair) {
    case 'remove':
      return { loss: (z) => sampled(base(z)), outcome: (t) => (t <= least ? -Infinity : fromBase(unsampled(t))) }
    case 'add':
      return { loss: (z) => -sampled(base(z)), outcome: (t) => fromBase(unsampled(-t)) }
    case 'replace': {
      const loss = (z: number): number => sampled(base(z)) - sampled(base(-z))
      return {
        loss,
        outcome: (t) => {
          let [low, high] = [-1, 1]
          while (loss(low) > t && low > -1e300) low *= 2
          while (loss(high) < t && high < 1e300) high *= 2
          for (let i = 0; i < 200 && high - low > 1e-15 * (Math.abs(low) + Math.abs(high)); i++) {
            const middle = 0.5 * (low + high)
            if (loss(middle) < t) low = middle
            else high = middle
          }
          return high
        },
      }
    }
  }
}
