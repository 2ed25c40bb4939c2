/**
 * How good a model is on examples that it was not trained on.
 */
import type { Dataset } from '../data/dataset.js'
import type { LayerRule } from '../grad/layer.js'
import type { GradientOptions } from '../grad/per-sample.js'
import { predict } from '../grad/readings.js'
import { toArray } from '../tensor/tensor.js'
import type { Tree } from '../tensor/tree.js'

const chunk = 1000

/** The class of the largest of each row's numbers; the first of equals. */
const argmaxRows = (numbers: readonly number[], classes: number): readonly number[] =>
  Array.from({ length: numbers.length / classes }, (_, row) => {
    let best = 0
    for (let k = 1; k < classes; k++)
      if ((numbers[row * classes + k] as number) > (numbers[row * classes + best] as number)) best = k
    return best
  })

/**
 * The share of examples whose largest logit is that of their class; NaN for no examples. It is a statistic of the data it
 * is computed on: on held-out data that must stay private, publishing it costs privacy that no ledger here counts.
 */
export const accuracy =
  <P extends Tree, C>(model: LayerRule<P, C>, options: GradientOptions = {}) =>
  (params: P, dataset: Dataset): number => {
    const logits = predict(model, options)
    let right = 0
    for (let from = 0; from < dataset.length; from += chunk) {
      const indices = Array.from({ length: Math.min(chunk, dataset.length - from) }, (_, i) => from + i)
      const { input, target } = dataset.take(indices)
      const output = logits(params, input)
      const labels = toArray(target)
      const guesses = argmaxRows(toArray(output), output.shape[1] as number)
      right += guesses.filter((guess, i) => guess === labels[i]).length
    }
    return right / dataset.length
  }
