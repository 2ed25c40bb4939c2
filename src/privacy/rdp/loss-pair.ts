/**
 * Rényi divergences of mechanisms whose losses are known as a list of atoms (Laplace: two atoms and a density between), Poisson
 * sampled or not, in both directions.
 *
 * Legend: W the law with the record, O without it, l = log W/O the loss at an atom, m = log O; y = 1 − q + q e^l the density ratio
 * of the sampled law to O, u = y − 1; c = α − 1.
 *
 *   remove  D_α((1−q)O + qW ‖ O) = log E_O[y^α] / c        add  D_α(O ‖ (1−q)O + qW) = log E_O[y^(−c)] / c
 *
 * References  Zhu, Dong & Wang 2022, arXiv:2106.08567, Thm 11: where the pairs (W, O) and (O, W) dominate a mechanism, so do the
 *             sampled ones; domination in every hockey-stick divergence is domination in every Rényi divergence
 */
import { logSumExp } from '../../tensor/special.js'
import { gaussLegendre16 } from './gauss-legendre.js'
import { inverseRemainder, log1pOver, remainder } from './remainder.js'

/** Pairs of laws (W, O) that dominate a mechanism in both directions. Widths are in units of what the record adds. */
export type LossPair =
  /** Laplace noise of this scale. */
  | { readonly _tag: 'Laplace'; readonly scale: number }
  /** Discrete Laplace noise on an integer. */
  | { readonly _tag: 'DiscreteLaplace'; readonly scale: number; readonly sensitivity: number }
  /** Any ε-DP mechanism: randomised response between two. */
  | { readonly _tag: 'PureDp'; readonly epsilon: number }
  /** Randomised response beside another answer (`toAnother`), or beside a uniform one. */
  | {
      readonly _tag: 'RandomizedResponse'
      readonly noiseParameter: number
      readonly buckets: number
      readonly toAnother: boolean
    }

/** One atom: log of its mass under O, and its loss. */
interface Atom {
  readonly logMass: number
  readonly loss: number
}

const pureDpAtoms = (epsilon: number): readonly Atom[] => [
  { logMass: -Math.log1p(Math.exp(epsilon)), loss: epsilon },
  { logMass: -Math.log1p(Math.exp(-epsilon)), loss: -epsilon },
]

/** Beyond these, the atoms of ε-DP at the largest loss stand for the mechanism: a bound. */
const LARGEST_LAPLACE_LOSS = 200
const LARGEST_SENSITIVITY = 4096

/**
 * Laplace: the loss 2x/b − 1/b at 0 < x < 1 has density e^(−(l + 1/b)/2)/4 under O. Panels of 16 nodes, no longer than 1, and
 * halving towards both ends down to the scale 1/α on which y^α and y^(−c) change there.
 */
const laplaceAtoms = (largest: number, excess: number): readonly Atom[] => {
  const atoms: Atom[] = [
    { logMass: -Math.LN2, loss: -largest },
    { logMass: -Math.LN2 - largest, loss: largest },
  ]
  const finest = 0.5 / (1 + Math.min(excess, 1e15))
  const cuts: number[] = []
  for (let from = 0, width = Math.min(finest, largest); from < largest; width = Math.min(1, 2 * width)) {
    cuts.push(from)
    from += width
  }
  cuts.push(largest)
  for (let i = 0; i + 1 < cuts.length; i++) {
    const [from, to] = [cuts[i] as number, cuts[i + 1] as number]
    const half = 0.5 * (to - from)
    for (const { node, weight } of gaussLegendre16) {
      const distance = from + half * (1 + node)
      const logWeight = Math.log(0.25 * weight * half)
      atoms.push({ logMass: logWeight - 0.5 * distance, loss: distance - largest })
      atoms.push({ logMass: logWeight - largest + 0.5 * distance, loss: largest - distance })
    }
  }
  return atoms
}

/** Noise of mass tanh(a/2) e^(−a|x|), a = 1/b, moved by Δ: the loss is a(2x − Δ) for 0 ≤ x ≤ Δ, the ends with their tails. */
const discreteLaplaceAtoms = (rate: number, sensitivity: number): readonly Atom[] => [
  { logMass: -Math.log1p(Math.exp(-rate)), loss: -rate * sensitivity },
  ...Array.from({ length: Math.max(0, sensitivity - 1) }, (_, i) => ({
    logMass: Math.log(Math.tanh(0.5 * rate)) - rate * (i + 1),
    loss: rate * (2 * (i + 1) - sensitivity),
  })),
  { logMass: -rate * sensitivity - Math.log1p(Math.exp(-rate)), loss: rate * sensitivity },
]

const atomsOf = (pair: LossPair, excess: number): readonly Atom[] => {
  switch (pair._tag) {
    case 'Laplace': {
      const largest = 1 / pair.scale
      return largest > LARGEST_LAPLACE_LOSS ? pureDpAtoms(largest) : laplaceAtoms(largest, excess)
    }
    case 'DiscreteLaplace':
      return pair.sensitivity > LARGEST_SENSITIVITY
        ? pureDpAtoms(pair.sensitivity / pair.scale)
        : discreteLaplaceAtoms(1 / pair.scale, pair.sensitivity)
    case 'PureDp':
      return pureDpAtoms(pair.epsilon)
    case 'RandomizedResponse': {
      const [own, other] = answerProbabilities(pair)
      const others = pair.buckets - 1
      const gain = Math.log(own / other)
      return pair.toAnother
        ? [
            { logMass: Math.log(other), loss: gain },
            { logMass: Math.log(own), loss: -gain },
            ...(others > 1 ? [{ logMass: Math.log(other * (others - 1)), loss: 0 }] : []),
          ]
        : [
            { logMass: -Math.log(pair.buckets), loss: Math.log(own * pair.buckets) },
            { logMass: Math.log(others / pair.buckets), loss: Math.log(other * pair.buckets) },
          ]
    }
  }
}

/** Probabilities of the own answer, and of each other one. */
const answerProbabilities = ({
  noiseParameter: p,
  buckets: k,
}: {
  readonly noiseParameter: number
  readonly buckets: number
}): readonly [own: number, other: number] => [1 - p + p / k, p / k]

/** The largest |loss|: the divergence of infinite order. */
export const largestLossOf = (pair: LossPair): number => {
  switch (pair._tag) {
    case 'Laplace':
      return 1 / pair.scale
    case 'DiscreteLaplace':
      return pair.sensitivity / pair.scale
    case 'PureDp':
      return pair.epsilon
    case 'RandomizedResponse':
      return Math.max(...atomsOf(pair, 0).map(({ loss }) => Math.abs(loss)))
  }
}

/** Where exponents are taken out of a sum. */
const HUGE = 600

/** log E_O[y^(α or −c)] / c, from atoms. */
const divergence = (atoms: readonly Atom[], q: number, excess: number, direction: 'remove' | 'add'): number => {
  const power = direction === 'remove' ? 1 + excess : -excess
  const logs: number[] = []
  let sum = 0
  let huge = false
  for (const { logMass, loss } of atoms) {
    const logY = q === 1 ? loss : Math.log1p(q * Math.expm1(loss))
    const exponent = logMass + power * logY
    logs.push(exponent)
    if (exponent > HUGE || loss > HUGE || power * logY > HUGE) huge = true
    else {
      const u = q * Math.expm1(loss)
      sum +=
        Math.exp(logMass) * (direction === 'remove' ? remainder(u, logY, excess) : inverseRemainder(u, logY, excess))
    }
  }
  return huge && excess > 0 ? logSumExp(logs) / excess : log1pOver(excess, sum)
}

/**
 * Rényi divergence at order 1 + excess of a mechanism with known losses, Poisson sampled with probability q, the worse of the
 * two directions.
 *
 * Cost        O(atoms); Laplace: about 16 (1/b + 4 log₂ α) nodes
 * Guarantee   relative error ≤ 1e-11 (against closed forms, and 40 digits); a bound where the largest loss of Laplace noise exceeds
 *             200, or an integer moves by more than 4096
 *
 * @example
 * lossPairRdpAtExcess({ _tag: 'PureDp', epsilon: 1 }, 1)(Infinity) // => 1
 */
export const lossPairRdpAtExcess =
  (pair: LossPair, samplingProbability: number): ((excess: number) => number) =>
  (excess) => {
    const q = samplingProbability
    if (q === 0) return 0
    const largest = largestLossOf(pair)
    if (largest === 0) return 0
    // The loss of the sampled pair: log(1 + q(e^l − 1)), and −log(1 + q(e^(−l) − 1)) in the other direction, which is smaller.
    const cap = q === 1 ? largest : largest > 700 ? largest + Math.log(q) : Math.log1p(q * Math.expm1(largest))
    if (excess === Infinity || largest > HUGE) return cap
    const atoms = atomsOf(pair, excess)
    return Math.min(cap, Math.max(divergence(atoms, q, excess, 'remove'), divergence(atoms, q, excess, 'add')))
  }
