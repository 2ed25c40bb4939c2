/**
 * What is claimed, of whom, in sentences that a paper or a model card can quote.
 */
import { Event, epsilonOfGdp, type Neighbouring, showEvent, showNeighbouring } from '../../privacy/index.js'
import type { Described } from './described.js'
import { figure, upperFigure } from './figures.js'
import type { Training } from './training.js'

/** A claim under one relation. */
export interface Claim {
  readonly neighbouring: Neighbouring
  readonly epsilon: number
  readonly accountant: string
}

/** Seven digits are what a quotient has on a page. */
const short = (x: number): string => figure(Number(x.toPrecision(7)))

const batchWords = ({ scheme, samplingProbability: q }: Training): string => {
  switch (scheme._tag) {
    case 'Poisson':
      return q === 1
        ? 'each of which reads every example'
        : `on Poisson batches, which each example joins with probability ${short(q)}`
    case 'TruncatedPoisson':
      return `on Poisson batches, which each example joins with probability ${short(q)}, cut to ${scheme.truncatedBatchSize} examples`
    case 'WithoutReplacement':
      return `on batches of ${scheme.batchSize} of ${scheme.datasetSize} examples, drawn anew for each step`
    case 'Shuffled':
      return `on shuffled epochs of ${scheme.batches} batches`
    case 'BallsAndBins':
      return `in epochs of ${scheme.batches}, in each of which every example takes part in one step drawn for it`
    default:
      return `on batches of the scheme ${scheme._tag}`
  }
}

/** What must be true of the program that draws the batches. */
const sampling = ({ scheme, samplingProbability }: Training): string => {
  switch (scheme._tag) {
    case 'Poisson':
      return samplingProbability === 1
        ? 'nothing is left to chance but the noise'
        : 'each example joins each batch by a coin of its own, and nobody sees which did'
    case 'TruncatedPoisson':
      return 'each example joins each batch by a coin of its own, a batch that is too large loses examples at random, and nobody sees which it holds'
    case 'WithoutReplacement':
      return 'every set of so many examples is equally likely in each step, and nobody sees which it was'
    case 'Shuffled':
      return 'each example is in one batch of an epoch; their order may be known'
    default:
      return 'each example is put into its steps at random, independently of the others, and nobody sees where'
  }
}

/** Where batches are shuffled and not drawn: each example once an epoch, no secret of which batch. */
const ifShuffled = (
  { scheme, samplingProbability, stepsPerEpoch, steps, noiseMultiplier }: Training,
  delta: number,
) => {
  if (scheme._tag !== 'Poisson' || samplingProbability === 1) return ''
  const epochs = Math.ceil((steps / stepsPerEpoch) * (1 - 1e-12))
  const { upper } = epsilonOfGdp(Math.sqrt(epochs) / noiseMultiplier)(delta)
  return (
    ` Batches that are parts of a shuffled dataset are not such samples: of those, with ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}, ` +
    `no more is proved here than ε ≤ ${upperFigure(upper)} for ${showNeighbouring('replaceSpecial')}.`
  )
}

/** The statement. Its first claim is the one that is made; the others are said after it. */
export const statementOf = (
  { event, unit, training }: Described,
  delta: number,
  [claim, ...others]: readonly Claim[],
): string => {
  const what =
    training === undefined
      ? `What was released is ${showEvent(Event.normalise(event))}.`
      : `DP-SGD took ${training.steps} steps ${batchWords(training)}; each adds Gaussian noise of ` +
        `${figure(training.noiseMultiplier)} clip norms to the sum of clipped gradients.`
  if (claim === undefined) return `${what} No accountant here has a bound for it.`
  const protectedUnit =
    unit === 'one example'
      ? ' Protected is one example: whoever has several is protected less.'
      : ` Protected is ${unit}.`
  return (
    `${what} Everything that it releases together, every model on the way and not only the last, is (ε, δ)-differentially private with ` +
    `ε = ${upperFigure(claim.epsilon)} at δ = ${figure(delta)} for ${showNeighbouring(claim.neighbouring)}` +
    others
      .map((other) => `, and ε = ${upperFigure(other.epsilon)} for ${showNeighbouring(other.neighbouring)}`)
      .join('') +
    ` (${claim.accountant} accountant).${protectedUnit}` +
    (training === undefined ? '' : ` This holds where ${sampling(training)}.${ifShuffled(training, delta)}`)
  )
}
