/**
 * δ(ε) of a few sampled steps, one step after another: nothing cancels, however small δ is beside what the small losses hold.
 *
 *   δ_m(ε) = E_P[δ_{m−1}(ε − L)],   δ_0(ε) = max(0, 1 − e^ε)
 *
 * In the direction `remove` the loss of a step is L = log(1 − q) + λ, λ = log(1 + κ e^{μt − μ²/2}) > 0 with κ = q/(1 − q) and μ = 1/σ, at
 * density p(t) = (1 − q) φ(t) e^λ. So m steps lose at least the edge E = m log(1 − q); with u = ε − E,
 *
 *   δ_m = ∫ p(t) δ_{m−1}[u − λ(t)] dt,   δ_{m−1} = 1 − e^{ε − L} where λ ≥ u
 *
 * In log u, δ is a smooth curve on the scale of μ: it is kept as log δ by Chebyshev polynomials, piece by piece. Where λ approaches u the
 * argument falls to 0 within a sliver of t, so that half is integrated over log(u − λ) instead. What is returned is an estimate; bounds are
 * made elsewhere.
 */
import { gaussLegendre16 } from '../rdp/gauss-legendre.js'
import type { Composition } from './composition.js'

/** Steps that are taken one by one at most, each some 30 ms. */
const MOST_STEPS = 32

const NODES = 16
const HALF_LOG_2PI = 0.9189385332046728

interface Step {
  readonly mu: number
  readonly kappa: number
  readonly logRest: number
}

/** δ of some steps: their edge, δ at a distance u from it, and the log u below which losses have probability 0. */
interface Curve {
  readonly edge: number
  readonly least: number
  readonly at: (u: number) => number
}

const nothing: Curve = { edge: 0, least: 0, at: () => 0 }

/** The integral over [from, to], in panels of this length at most. */
const integral = (from: number, to: number, length: number, f: (x: number) => number): number => {
  if (!(to > from)) return 0
  const panels = Math.max(1, Math.ceil((to - from) / length))
  const half = (0.5 * (to - from)) / panels
  let sum = 0
  for (let panel = 0; panel < panels; panel++) {
    const middle = from + (2 * panel + 1) * half
    for (const { node, weight } of gaussLegendre16) sum += weight * f(middle + half * node)
  }
  return half * sum
}

/** How far from its middle, in standard deviations, a normal law is followed. */
const REACH = 10

/** δ of one more step at a distance u from the new edge. */
const oneMore =
  ({ mu, kappa, logRest }: Step, before: Curve) =>
  (u: number): number => {
    /** t where λ is this, and p there. */
    const nodeOf = (lambda: number): number => (Math.log(Math.expm1(lambda) / kappa) + 0.5 * mu * mu) / mu
    const density = (t: number, lambda: number): number => Math.exp(lambda + logRest - 0.5 * t * t - HALF_LOG_2PI)
    const lambdaOf = (t: number): number => Math.log1p(kappa * Math.exp(mu * t - 0.5 * mu * mu))
    const length = Math.min(1, 1 / mu)
    const [middle, end] = [nodeOf(0.5 * u), nodeOf(u)]
    const far = integral(-REACH, middle, length, (t) => {
      const lambda = lambdaOf(t)
      return density(t, lambda) * before.at(u - lambda)
    })
    /** Over what λ is short of u. */
    const atRest = (rest: number): number => {
      const lambda = u - rest
      return (density(nodeOf(lambda), lambda) / (mu * -Math.expm1(-lambda))) * before.at(rest)
    }
    const turn = Math.min(before.least, Math.log(0.5 * u))
    const nearest = integral(0, Math.exp(turn), Infinity, atRest)
    const near = integral(turn, Math.log(0.5 * u), Math.min(1, mu), (w) => Math.exp(w) * atRest(Math.exp(w)))
    const beyond = integral(end, Math.max(end, mu) + REACH, length, (t) => {
      const lambda = lambdaOf(t)
      return density(t, lambda) * -Math.expm1(u - lambda + before.edge)
    })
    return (before === nothing ? 0 : far + near + nearest) + beyond
  }

/** A function of v ∈ [low, high] by polynomials on pieces, through its values at Chebyshev's nodes. */
const interpolated = (
  f: (v: number) => number,
  { low, high, length }: { readonly low: number; readonly high: number; readonly length: number },
): ((v: number) => number) => {
  const pieces = Math.max(1, Math.ceil((high - low) / length))
  const width = (high - low) / pieces
  const coefficients = new Float64Array(pieces * NODES)
  for (let piece = 0; piece < pieces; piece++) {
    const values = Array.from({ length: NODES }, (_, j) =>
      f(low + width * (piece + 0.5 + 0.5 * Math.cos((Math.PI * (j + 0.5)) / NODES))),
    )
    for (let k = 0; k < NODES; k++) {
      const sum = values.reduce((total, value, j) => total + value * Math.cos((Math.PI * k * (j + 0.5)) / NODES), 0)
      coefficients[piece * NODES + k] = ((k === 0 ? 1 : 2) * sum) / NODES
    }
  }
  return (v) => {
    const position = (v - low) / width
    const piece = Math.min(pieces - 1, Math.max(0, Math.floor(position)))
    const x = 2 * (position - piece) - 1
    // Clenshaw's recurrence.
    let [b1, b2] = [0, 0]
    for (let k = NODES - 1; k > 0; k--) {
      const b0 = 2 * x * b1 - b2 + (coefficients[piece * NODES + k] as number)
      b2 = b1
      b1 = b0
    }
    return x * b1 - b2 + (coefficients[piece * NODES] as number)
  }
}

const stepsOf = ({ precision, steps }: Composition): readonly Step[] | undefined => {
  if (precision > 0 || steps.reduce((sum, { count }) => sum + count, 0) > MOST_STEPS) return undefined
  const found = steps.flatMap(({ pair, count }) => {
    if (!('samplingProbability' in pair) || pair.kind !== 'remove') return []
    const { noiseMultiplier, samplingProbability: q } = pair
    const step = { mu: 1 / noiseMultiplier, kappa: q / (1 - q), logRest: Math.log1p(-q) }
    return Array.from({ length: count }, () => step)
  })
  return found.length > 0 && found.length === steps.reduce((sum, { count }) => sum + count, 0) ? found : undefined
}

/** Readings of curves that are worth while for one of all the steps: two seconds or so. */
const MOST_READINGS = 4e7

/** Undefined where that takes too long: losses from a tiny q to a large ε, or by little noise. */
const curveOf = (steps: readonly Step[], most: number): ((epsilon: number) => number) | undefined => {
  const highest = most - steps.reduce((sum, { logRest }) => sum + logRest, 0)
  const least = steps.reduce((low, { mu, kappa }) => Math.min(low, Math.log(kappa) - 0.5 * mu * mu - REACH * mu), 0)
  const scale = steps.reduce((small, { mu }) => Math.min(small, 0.5 * mu), 1)
  const range = Math.log(highest) - least
  const panels = steps.reduce((sum, { mu }) => sum + range / Math.min(1, mu) + 2 * REACH * Math.max(1, mu), 0)
  if (!(NODES * (range / scale) * NODES * panels <= MOST_READINGS)) return undefined
  const curve = steps.slice(1).reduce<Curve>((before, step) => {
    const exact = oneMore(step, before)
    const edge = before.edge + step.logRest
    const log = interpolated((v) => Math.log(exact(Math.exp(v))), {
      low: least,
      high: Math.log(highest),
      length: scale,
    })
    // Below the table all losses exceed ε.
    const at = (u: number): number => (Math.log(u) > least ? Math.exp(log(Math.log(u))) : -Math.expm1(edge + u))
    return { edge, least, at }
  }, nothing)
  const first = steps[0] as Step
  const last = oneMore(first, curve)
  return (epsilon) => Math.log(last(epsilon - curve.edge - first.logRest))
}

/** By composition, and by the power of 2 that a curve ends at. */
const curves = new WeakMap<Composition, Map<number, ReturnType<typeof curveOf>>>()

/**
 * The ε → log δ of at most 32 Poisson-sampled Gaussian steps in the direction `remove`, up to some ε > 0; undefined for other compositions.
 *
 * Error      1e-11 relative to δ for 32 steps; NaN where δ leaves float64
 * Cost       some 30 ms a step, and less than a millisecond a reading
 */
export const stepByStep = (composition: Composition, most: number): ((epsilon: number) => number) | undefined => {
  const steps = stepsOf(composition)
  if (steps === undefined || !(most > 0)) return undefined
  // Curves end at powers of 2, so that a reading depends on its ε alone.
  const octave = Math.ceil(Math.log2(most))
  const known = curves.get(composition) ?? new Map<number, ReturnType<typeof curveOf>>()
  const curve = known.has(octave) ? known.get(octave) : curveOf(steps, 2 ** octave)
  curves.set(composition, known.set(octave, curve))
  return curve
}

/** Newton's steps, from an ε that is known to some digits. */
const MOST_ROOT_STEPS = 8

/** ε > 0 at log δ by that curve, near a start; undefined where there is no curve, or the root is far. */
export const epsilonStepByStep = (composition: Composition, logDelta: number, start: number): number | undefined => {
  const most = 1.1 * start
  const curve = stepByStep(composition, most)
  if (curve === undefined) return undefined
  let epsilon = start
  for (let step = 0; step < MOST_ROOT_STEPS; step++) {
    const [here, before] = [curve(epsilon), curve(epsilon * (1 - 1e-4))]
    const move = (1e-4 * epsilon * (here - logDelta)) / (here - before)
    if (!(epsilon - move > 0 && epsilon - move < most)) return undefined
    epsilon -= move
    if (Math.abs(move) <= 1e-12 * epsilon) break
  }
  return epsilon
}
