/**
 * Golden records of the connected dots of mixtures of Gaussians, whose masses are those of a law below the truth.
 *
 * Dots must have the δ of the mechanism at each of their losses. Their source finds δ there by the outcome at which the loss is ε, but
 * keeps these outcomes in a list of whole numbers, as the losses of a lattice of step 1 are: with the outcomes cut to whole numbers 8 of
 * its 10 laws come out to 5e-10. A test that cuts elsewhere has a smaller δ, so what is called an upper bound is below the truth.
 */
import * as Event from '../../../src/privacy/event/event.js'
import { exact } from '../../../src/privacy/exact/accountant.js'
import { compositionsOf } from '../../../src/privacy/exact/curve.js'
import { enclose } from '../../../src/privacy/exact/enclosure.js'
import type { PairDirection } from '../../../src/privacy/pld/poisson-pair.js'
import { type AccountingRecord, type Fields, type Figure, numberOf, numbersOf, rightOf } from './record.js'

/** Masses by lattice point. */
export type Masses = ReadonlyMap<number, number>

/** δ at each of the losses k · step of a law whose other mass is at ∞. */
const deltasOf =
  (masses: Masses, step: number) =>
  (points: readonly number[]): readonly number[] => {
    const all = [...masses]
    const infinity = 1 - all.reduce((sum, [, mass]) => sum + mass, 0)
    return points.map((k) =>
      all.reduce((sum, [j, mass]) => (j > k ? sum - mass * Math.expm1((k - j) * step) : sum), infinity),
    )
  }

/** δ at any ε of either direction by the exact accountant; at −ε it is 1 − e^(−ε) + e^(−ε) times that of the other at ε. */
const truthOf =
  (inputs: Fields) =>
  (direction: PairDirection) =>
  (epsilon: number): number => {
    const event = Event.mixtureOfGaussians({
      noiseMultiplier: numberOf(inputs.standard_deviation),
      sensitivities: numbersOf(inputs.sensitivities),
      probabilities: numbersOf(inputs.sampling_probs),
    })
    const [remove, add = remove] = compositionsOf('addOrRemoveOne')(rightOf(exact().interpret(event)))
    const composition = (direction === 'remove') === epsilon >= 0 ? remove : add
    if (composition === undefined) return Number.NaN
    const delta = Math.exp(enclose(composition)(Math.abs(epsilon)).estimate)
    return epsilon >= 0 ? delta : -Math.expm1(epsilon) + Math.exp(epsilon) * delta
  }

/** How far below the truth a δ is that nothing rounds so. */
const BELOW = 1e-6

/**
 * The dots of one direction on the points of a record. Where a δ of the record's own law is below the truth, its masses are not matched:
 * the dots here are held to the truth at every point, and the largest gap is told. Undefined where none is.
 */
export const refutedDots = (
  record: AccountingRecord,
  {
    direction,
    expected,
    ours,
  }: { readonly direction: PairDirection; readonly expected: Masses; readonly ours: Masses },
): readonly Figure[] | undefined => {
  const step = numberOf(record.inputs.interval)
  const points = [...expected.keys()].toSorted((a, b) => a - b)
  const truth = points.map((k) => truthOf(record.inputs)(direction)(k * step))
  const [theirs, found] = [expected, ours].map((masses) => deltasOf(masses, step)(points)) as [number[], number[]]
  const gaps = truth.map((delta, i) => delta - (theirs[i] as number))
  const worst = gaps.indexOf(Math.max(...gaps))
  if (!((gaps[worst] as number) > BELOW)) return undefined
  const shown = (delta: number | undefined): string => (delta as number).toFixed(6)
  const note = `${direction}: δ(${(points[worst] as number) * step}) of the record ${shown(theirs[worst])}, the truth ${shown(truth[worst])}, here ${shown(found[worst])}`
  return found.map(
    (actual, i): Figure => ({
      actual,
      expected: truth[i] as number,
      rel: 1e-9,
      abs: 1e-12,
      ...(i === worst ? { note } : {}),
    }),
  )
}
