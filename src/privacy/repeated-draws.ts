/**
 * How often one record is drawn among n draws with replacement from N records: J ~ Bin(n, 1/N).
 */
import { logBinomialMass, logBinomialTail } from '../tensor/binomial.js'

/** n = `batchSize` draws from N = `datasetSize` ≥ 2 records. */
export interface RepeatedDraws {
  readonly batchSize: number
  readonly datasetSize: number
}

/** P[J = j] for j = 0, 1, …, and the logarithm of the probability of more draws than are listed. */
export interface DrawProbabilities {
  readonly probabilities: readonly number[]
  readonly logRest: number
}

/** What the probabilities may err by, relative, a hundred times over. */
const RAISED = 1e-10

/** So unlikely a number of draws is left out. */
const LOG_UNLIKELY = -20 * Math.LN10

/**
 * The probabilities of each number of draws, but for what has 1e-20 in all.
 *
 * Guarantee  those of one draw and more, and of the rest, are upper bounds; that of none is what they leave
 *
 * @example
 * drawProbabilities({ batchSize: 1, datasetSize: 4 }).probabilities.map((p) => p.toFixed(6)) // => ['0.750000', '0.250000']
 */
export const drawProbabilities = ({ batchSize, datasetSize }: RepeatedDraws): DrawProbabilities => {
  const logOdds = -Math.log(datasetSize - 1)
  const drawn: number[] = []
  let logRest = 0
  for (let j = 1; j <= batchSize && logRest > LOG_UNLIKELY; j++) {
    drawn.push(Math.exp(logBinomialMass({ trials: batchSize, successes: j, logOdds }) + RAISED))
    logRest = logBinomialTail({ trials: batchSize, successes: j + 1, logOdds }) + RAISED
  }
  const none = Math.max(0, 1 - drawn.reduce((sum, p) => sum + p, 0))
  return { probabilities: [none, ...drawn], logRest }
}
