/**
 * The clip rules of the literature beside flat clipping. s norm of a sample's gradient · C = l2ClipNorm.
 */
import { type ClipRule, positive } from './clip.js'

/**
 * AUTO-V, automatic clipping without a stability constant: every gradient gets length C.
 *
 *   factor(s) = C / s
 *
 * A gradient of 0 stays 0. With C = 1 this is normalised SGD; small gradients are enlarged without limit, which
 * `autoS` avoids.
 *
 * @throws RangeError unless l2ClipNorm > 0
 * @reference Bu, Wang, Zha, Karypis 2022, arXiv:2206.07136
 * @example
 * autoV(2).factor(8) // => 0.25
 */
export const autoV = (l2ClipNorm: number): ClipRule => ({
  factor: (norm) => (norm === 0 ? 0 : Math.min(Number.MAX_VALUE, l2ClipNorm / norm)),
  l2Bound: positive('l2ClipNorm', l2ClipNorm),
})

/**
 * AUTO-S, automatic clipping: longer gradients still count for more, and none reaches C.
 *
 *   factor(s) = C / (s + γ)
 *
 * @throws RangeError unless l2ClipNorm > 0 and stability > 0
 * @reference Bu, Wang, Zha, Karypis 2022, arXiv:2206.07136, with γ = 0.01; Yang, Zhang, Chen, Liu 2022, arXiv:2206.13033
 * @example
 * autoS(1, 1).factor(3) // => 0.25
 */
export const autoS = (l2ClipNorm: number, stability = 0.01): ClipRule => {
  positive('stability', stability)
  return { factor: (norm) => l2ClipNorm / (norm + stability), l2Bound: positive('l2ClipNorm', l2ClipNorm) }
}

/**
 * PSAC, per-sample adaptive clipping: as `autoS` where gradients are long, without enlarging the short ones so much.
 *
 *   factor(s) = C / (s + r / (s + r))
 *
 * Not monotone: factor(0) = C, and the factor rises before it falls.
 *
 * @throws RangeError unless l2ClipNorm > 0 and regulariser > 0
 * @reference Xia et al. 2023, arXiv:2212.00328, with r = 0.1
 * @example
 * psac(1, 1).factor(0) // => 1
 */
export const psac = (l2ClipNorm: number, regulariser = 0.1): ClipRule => {
  positive('regulariser', regulariser)
  return {
    factor: (norm) => l2ClipNorm / (norm + regulariser / (norm + regulariser)),
    l2Bound: positive('l2ClipNorm', l2ClipNorm),
  }
}

/**
 * Global clipping: all gradients are scaled alike, and those longer than Z are left out. Directions of sums are kept.
 *
 *   factor(s) = C / Z for s ≤ Z, else 0
 *
 * @throws RangeError unless l2ClipNorm > 0 and threshold > 0
 * @reference Bu, Wang, Dai, Long 2021, arXiv:2106.07830
 * @example
 * [globalClip({ l2ClipNorm: 1, threshold: 4 })].map(({ factor }) => [factor(4), factor(5)]) // => [[0.25, 0]]
 */
export const globalClip = ({
  l2ClipNorm,
  threshold,
}: {
  readonly l2ClipNorm: number
  readonly threshold: number
}): ClipRule => {
  const factor = positive('l2ClipNorm', l2ClipNorm) / positive('threshold', threshold)
  return { factor: (norm) => (norm <= threshold ? factor : 0), l2Bound: l2ClipNorm }
}

/**
 * A rule in units of its own bound: what it gives is divided by C, so that the bound is 1 and the learning rate does not
 * depend on C.
 *
 * @throws RangeError unless the bound of the rule is finite
 * @reference De, Berrada, Hayes, Smith, Balle 2022, arXiv:2204.13650, section 3.2
 * @example
 * normalised(flatClip(2)).factor(8) // => 0.125
 */
export const normalised = ({ factor, l2Bound }: ClipRule): ClipRule => {
  if (!(l2Bound > 0 && l2Bound < Number.POSITIVE_INFINITY))
    throw new RangeError(`l2Bound is ${l2Bound}: only a rule with a finite bound above 0 can be normalised`)
  // A factor below the normal numbers is rounded by more than its last place, and dividing it by C makes that larger: 1/s bounds it.
  return { factor: (norm) => Math.min(Number.MAX_VALUE, factor(norm) / l2Bound, 1 / norm), l2Bound: 1 }
}
