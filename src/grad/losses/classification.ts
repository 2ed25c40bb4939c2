/**
 * Losses per sample for classes and distributions. n sample · t token · k class.
 */
import { ShapeEq, shapeError } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'
import { isClass, noLoss } from './labels.js'
import type { Loss } from './loss.js'
import { lossOfRows } from './rows.js'

/** The settings of `crossEntropyWith`. */
export interface CrossEntropyOptions {
  /** A factor for each class; default 1. */
  readonly classWeights?: readonly number[]
  /** ε: the truth has 1 − ε of the mass, and ε is spread over all classes; default 0. */
  readonly labelSmoothing?: number
  /** Tokens with this target do not count. */
  readonly ignoreIndex?: number
}

/** Predictions [n, …, k] with targets [n, …]; how many classes, or a ShapeError. */
const classesOf = (name: string, prediction: Tensor, target: Tensor): number => {
  const classes = prediction.shape.at(-1)
  if (prediction.shape.length < 2 || !ShapeEq.equals(prediction.shape.slice(0, -1), target.shape))
    throw shapeError(`${name} needs predictions [n, …, k] and labels [n, …]`, prediction.shape, target.shape)
  return classes as number
}

const checkWeights = (name: string, classWeights: readonly number[] | undefined, classes: number): void => {
  if (classWeights !== undefined && classWeights.length !== classes)
    throw new RangeError(`${name}: ${classWeights.length} class weights for ${classes} classes`)
}

/** How many tokens of a sample count. */
const counted = (labels: Float64Array, ignoreIndex: number | undefined): number => {
  let count = 0
  for (const label of labels) if (label !== ignoreIndex) count++
  return count
}

/**
 * Cross entropy of a softmax with options, for one label a sample or one a token: the mean over the sample's own tokens
 * that count (0 where none does). No sum is divided by class weights: they belong to samples, which do not see each other.
 *
 *   ℓ_t = (1 − ε) c_y (−log p_y) + (ε/K) Σₖ cₖ (−log pₖ)      p = softmax z, K classes
 *   ∂ℓ_t/∂zₖ = pₖ Σⱼ mⱼ − mₖ,   mₖ = ((1 − ε) [k = y] + ε/K) cₖ
 *
 * Shapes     prediction (logits) [n, …, k], target (class indices) [n, …] → [n]
 * Guarantee  a sample with a target that is neither a class nor ignored has a loss and a gradient of NaN, as in `crossEntropy`
 * Errors     RangeError for weights of another number, or ε outside of [0, 1]
 * Reference  Szegedy et al. 2016, arXiv:1512.00567, section 7 (label smoothing)
 *
 * @example
 * toArray(crossEntropyWith({ ignoreIndex: -1 })(zeros([1, 2, 2]), tensor([1, -1], [1, 2], 'int32')).value) // => [Math.log(2)]
 */
export const crossEntropyWith = ({ classWeights, labelSmoothing = 0, ignoreIndex }: CrossEntropyOptions = {}): Loss => {
  const name = 'crossEntropyWith'
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
    throw new RangeError(`${name}: labelSmoothing is ${labelSmoothing}; allowed is 0 to 1`)
  return (prediction, target) => {
    const classes = classesOf(name, prediction, target)
    checkWeights(name, classWeights, classes)
    const mass = (k: number, truth: number): number =>
      ((k === truth ? 1 - labelSmoothing : 0) + labelSmoothing / classes) * (classWeights?.[k] ?? 1)
    return lossOfRows((logits, labels, gradient) => {
      const count = counted(labels, ignoreIndex)
      let sum = 0
      for (let t = 0; t < labels.length; t++) {
        if (labels[t] === ignoreIndex) continue
        const truth = labels[t] as number
        if (!isClass(truth, classes)) return noLoss(gradient)
        const own = logits.subarray(t * classes, (t + 1) * classes)
        const logTotal = logSumExp(own)
        let total = 0
        for (let k = 0; k < classes; k++) total += mass(k, truth)
        for (let k = 0; k < classes; k++) {
          const logProbability = (own[k] as number) - logTotal
          const m = mass(k, truth)
          if (m !== 0) sum -= m * logProbability
          gradient[t * classes + k] = (Math.exp(logProbability) * total - m) / count
        }
      }
      return count === 0 ? 0 : sum / count
    })(prediction, target)
  }
}

/** log Σ eˣ without overflow. */
const logSumExp = (x: Float64Array): number => {
  const largest = x.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  return largest + Math.log(x.reduce((sum, v) => sum + Math.exp(v - largest), 0))
}

/**
 * Minus the log-probability of the label, for predictions that are log-probabilities already; the mean over the sample's
 * own tokens that count (0 where none does). Class weights as in `crossEntropyWith`.
 *
 *   ℓₙ = −c_label yₙ,label      ∂ℓₙ/∂yₙₖ = −c_label [k = label]
 *
 * Shapes     prediction [n, …, k], target (class indices) [n, …] → [n]
 * Guarantee  a sample with a target that is neither a class nor ignored has a loss and a gradient of NaN, as in `crossEntropy`
 * Errors     RangeError for weights of another number
 *
 * @example
 * toArray(negativeLogLikelihood()(tensor([-3, -1], [1, 2]), tensor([0], [1], 'int32')).value) // => [3]
 */
export const negativeLogLikelihood = ({
  classWeights,
  ignoreIndex,
}: Omit<CrossEntropyOptions, 'labelSmoothing'> = {}): Loss => {
  const name = 'negativeLogLikelihood'
  return (prediction, target) => {
    const classes = classesOf(name, prediction, target)
    checkWeights(name, classWeights, classes)
    return lossOfRows((logs, labels, gradient) => {
      const count = counted(labels, ignoreIndex)
      let sum = 0
      for (let t = 0; t < labels.length; t++) {
        if (labels[t] === ignoreIndex) continue
        const truth = labels[t] as number
        if (!isClass(truth, classes)) return noLoss(gradient)
        const [at, weight] = [t * classes + truth, classWeights?.[truth] ?? 1]
        if (weight !== 0) sum -= weight * (logs[at] as number)
        gradient[at] = -weight / count
      }
      return count === 0 ? 0 : sum / count
    })(prediction, target)
  }
}

/**
 * Kullback-Leibler divergence of the prediction (log-probabilities) from the target (probabilities), summed over the
 * sample's own axes.
 *
 *   ℓₙ = Σₖ tₙₖ (log tₙₖ − yₙₖ), 0 where t = 0      ∂ℓₙ/∂yₙₖ = −tₙₖ
 *
 * Shapes  prediction and target [n, …] → [n]
 *
 * @example
 * toArray(klDivergence(tensor([-1, -2], [1, 2]), tensor([1, 0], [1, 2])).value) // => [1]
 */
export const klDivergence: Loss = (prediction, target) => {
  if (!ShapeEq.equals(prediction.shape, target.shape) || prediction.shape.length === 0)
    throw shapeError('klDivergence needs prediction and target of one shape', prediction.shape, target.shape)
  return lossOfRows((logs, probabilities, gradient) => {
    let sum = 0
    for (let k = 0; k < logs.length; k++) {
      const p = probabilities[k] as number
      gradient[k] = p === 0 ? 0 : -p
      if (p !== 0) sum += p * (Math.log(p) - (logs[k] as number))
    }
    return sum
  })(prediction, target)
}
