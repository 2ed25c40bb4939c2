/**
 * Golden records of audits.
 */
import { binomialUpperBound } from '../../../src/privacy/audit/clopper-pearson.js'
import {
  gaussianOneRunEpsilon,
  type OneRun,
  oneRunEpsilon,
  oneRunMu,
  oneRunPValue,
  refutesGaussian,
} from '../../../src/privacy/audit/one-run.js'
import { countsAt, oneRunOf } from '../../../src/privacy/audit/scores.js'
import { epsilonOfGdp } from '../../../src/privacy/gdp.js'
import { ndtri } from '../../../src/tensor/normal-quantile.js'
import { type AccountingRecord, type Answer, figures, numberOf } from './record.js'

/** Those of a polygon's corners that lie on its lower hull: the thresholds that the source of these records tries. */
const lowerHull = (runs: readonly OneRun[]): readonly OneRun[] => {
  const x = ({ correct }: OneRun): number => -correct
  const y = ({ guesses, correct }: OneRun): number => correct - guesses
  let kept = runs
  for (;;) {
    const next = kept.filter((run, i) => {
      const [before, after] = [kept[i - 1], kept[i + 1]]
      if (before === undefined || after === undefined) return true
      return (y(run) - y(before)) * (x(after) - x(run)) - (y(after) - y(run)) * (x(run) - x(before)) > 0
    })
    if (next.length === kept.length) return kept
    kept = next
  }
}

/** Scores at the quantiles of a normal law, members' shifted; every threshold of the hull at its share of the significance. */
const scoredCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  const [n, shift, delta] = [inputs.n, inputs.shift, inputs.delta].map(numberOf) as [number, number, number]
  const nonMembers = Array.from({ length: n }, (_, i) => ndtri((i + 0.5) / n))
  const members = nonMembers.map((x) => x + shift)
  const at = countsAt({ members, nonMembers })
  const thresholds = [...new Set([...members, ...nonMembers])].toSorted((a, b) => a - b)
  const runs = lowerHull([...thresholds, Infinity].map((threshold) => oneRunOf(at(threshold))))
  const significance = numberOf(inputs.significance) / runs.length
  const isGaussian = inputs.method === 'one_run_fdp'
  // A bound is looked for only where the best so far is refuted.
  const best = runs
    .toSorted((a, b) => b.correct / b.guesses - a.correct / a.guesses)
    .reduce((most, run) => {
      if (run.guesses === 0 || run.correct <= run.guesses / 2) return most
      if (isGaussian)
        return refutesGaussian(most, significance)(run) ? Math.max(most, oneRunMu(significance)(run)) : most
      return oneRunPValue({ epsilon: most, delta })(run) <= significance
        ? Math.max(most, oneRunEpsilon({ significance, delta })(run))
        : most
    }, 0)
  return figures(record, isGaussian ? epsilonOfGdp(best)(delta).lower : best, expected.epsilon)
}

/** Records of kind `audit`. */
export const auditCase = (record: AccountingRecord): Answer => {
  const { inputs, expected } = record
  if (inputs.scores !== undefined) return scoredCase(record)
  if (expected.upper !== undefined)
    return figures(
      record,
      binomialUpperBound(numberOf(inputs.significance))({
        successes: numberOf(inputs.k),
        trials: numberOf(inputs.n),
      }),
      expected.upper,
    )
  const run = {
    canaries: numberOf(inputs.m),
    guesses: numberOf(inputs.guesses),
    correct: numberOf(inputs.correct),
  }
  const delta = numberOf(inputs.delta)
  if (expected.pValue !== undefined)
    return figures(record, oneRunPValue({ epsilon: numberOf(inputs.epsilon), delta })(run), expected.pValue)
  const level = { significance: numberOf(inputs.significance), delta }
  return [
    ...figures(record, oneRunEpsilon(level)(run), expected.epsilonOneRun),
    ...figures(record, gaussianOneRunEpsilon(level)(run), expected.epsilonOneRunFdp),
  ]
}
