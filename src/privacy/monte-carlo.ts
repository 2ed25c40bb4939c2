/**
 * What losses drawn at random prove about δ.
 *
 * A mean of m draws of (1 − e^(ε−L))₊ estimates δ(ε). To claim a δ, it is verified first: the mechanism runs only if the estimate is
 * at most some base δ₀; the chance that a mechanism of larger δ slips through is then part of the δ claimed.
 *
 * Legend: m draws, δ₀ the base, τ ≥ 1.
 *
 * References  Wang et al. 2023, arXiv:2304.07927 (estimate, verify, release) · Chua et al. 2024, arXiv:2412.16802, Fact 4.2 ·
 *             arXiv:2602.09338, App. A
 */
import { minimise } from './minimise.js'
import { narrow } from './root.js'

const checkDraws = (draws: number): number => {
  if (!(Number.isSafeInteger(draws) && draws > 0)) throw new RangeError(`draws is ${draws}: it must be an integer >= 1`)
  return draws
}
const checkOpenDelta = (name: string, delta: number): number => {
  if (!(delta > 0 && delta <= 1)) throw new RangeError(`${name} is ${delta}: it must be in (0, 1]`)
  return delta
}

/** KL(a ‖ b) of coins. */
const divergence = (a: number, b: number): number =>
  (a > 0 ? a * Math.log(a / b) : 0) + (a < 1 ? (1 - a) * (Math.log1p(-a) - Math.log1p(-b)) : 0)

/**
 * The chance, at most, that a mean of m independent numbers in [0, 1] is δ₀ or less, where their expectation exceeds τδ₀.
 *
 *   e^(−m KL(δ₀ ‖ τδ₀))
 *
 * Reference  Hoeffding 1963, Thm 1
 *
 * @example
 * smallMeanProbability({ draws: 3, ratio: 2 })(1 / 3).toFixed(6) // => '0.500000'
 */
export const smallMeanProbability =
  ({ draws, ratio }: { readonly draws: number; readonly ratio: number }) =>
  (baseDelta: number): number => {
    if (!(ratio >= 1)) throw new RangeError(`ratio is ${ratio}: it must be a number >= 1`)
    checkOpenDelta('baseDelta', baseDelta)
    return ratio * baseDelta >= 1
      ? 0 ** checkDraws(draws)
      : Math.exp(-checkDraws(draws) * divergence(baseDelta, ratio * baseDelta))
  }

/**
 * The δ that verification at a base δ₀ by m draws proves: of verifying, and running what was verified.
 *
 *   min over τ of  τδ₀ + e^(−m KL(δ₀ ‖ τδ₀)) (1 − τδ₀)
 *
 * Guarantee  holds also where several mechanisms, ordered by privacy, are verified with fresh draws and the last to pass is run
 * Reference  arXiv:2602.09338, App. A
 *
 * @example
 * verifiedDelta(1_000_000)(1e-4).toFixed(7) // => '0.0001622'
 */
export const verifiedDelta =
  (draws: number) =>
  (baseDelta: number): number => {
    checkOpenDelta('baseDelta', baseDelta)
    const most = -Math.log(baseDelta)
    const at = (logRatio: number): number => {
      const bound = Math.min(1, Math.exp(logRatio) * baseDelta)
      return bound + smallMeanProbability({ draws, ratio: Math.exp(logRatio) })(baseDelta) * (1 - bound)
    }
    // Any τ proves a bound. The sum first falls with the chance, then rises with τδ₀.
    return Math.min(1, minimise({ low: 0, high: most, tolerance: 1e-10 })(at).value)
  }

/**
 * The largest base δ₀ that m draws turn into a claim of at most δ, and 0 where they are too few for any.
 *
 * Guarantee  relative error ≤ 1e-9, downwards
 *
 * @example
 * baseDeltaFor(1_000_000)(1e-4) < 1e-4 // => true
 */
export const baseDeltaFor =
  (draws: number) =>
  (delta: number): number => {
    checkOpenDelta('delta', delta)
    const excess = (baseDelta: number): number => verifiedDelta(draws)(baseDelta) - delta
    if (delta === 1) return 1
    // Below 1/m the chance of no large draw at all rules; nothing is verified by less.
    let below = delta
    while (excess(below) > 0) {
      below /= 2
      if (below < 1e-4 / draws) return 0
    }
    return below === delta ? delta : narrow({ bracket: { above: 2 * below, below }, tolerance: 1e-9 })(excess).below
  }

/**
 * The fewest draws by which a base δ₀ proves δ > δ₀.
 *
 * @throws RangeError unless 0 < δ₀ < δ ≤ 1
 * @example
 * drawsNeeded({ baseDelta: 8e-6, delta: 1e-5 }) // => 81912287
 */
export const drawsNeeded = ({ baseDelta, delta }: { readonly baseDelta: number; readonly delta: number }): number => {
  checkOpenDelta('baseDelta', baseDelta)
  if (!(checkOpenDelta('delta', delta) > baseDelta))
    throw new RangeError(`delta is ${delta}: it must be above baseDelta, ${baseDelta}`)
  const enough = (draws: number): boolean => verifiedDelta(draws)(baseDelta) <= delta
  let most = 1
  while (!enough(most)) most *= 2
  let few = Math.floor(most / 2)
  while (most - few > 1) {
    const middle = Math.floor((few + most) / 2)
    if (enough(middle)) most = middle
    else few = middle
  }
  return most
}

/**
 * The mean of (1 − e^(ε−L))₊ over drawn losses: an estimate of δ(ε), without bias; no bound.
 *
 * @example
 * estimateDelta(0)([Math.log(2), -1]) // => 0.25
 */
export const estimateDelta =
  (epsilon: number) =>
  (losses: Readonly<ArrayLike<number>>): number => {
    checkDraws(losses.length)
    let sum = 0
    for (let i = 0; i < losses.length; i++) sum -= Math.expm1(Math.min(0, epsilon - (losses[i] as number)))
    return sum / losses.length
  }

/**
 * Do these losses, drawn for this question alone, verify (ε, δ)?
 *
 * Guarantee  to draw losses, and to run the mechanism only where the answer is yes, is (ε, δ)-DP: whatever the mechanism's own δ
 *
 * @example
 * verifies({ epsilon: 1, delta: 1e-3 })([0.5, 0.2]) // => false
 */
export const verifies =
  ({ epsilon, delta }: { readonly epsilon: number; readonly delta: number }) =>
  (losses: Readonly<ArrayLike<number>>): boolean => {
    const base = baseDeltaFor(losses.length)(delta)
    return base > 0 && estimateDelta(epsilon)(losses) <= base
  }
