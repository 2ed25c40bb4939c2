/**
 * Selections of batches in a configuration.
 */
import {
  ballsAndBinsSampler,
  cyclicPoissonSampler,
  shuffledSampler,
  truncatedPoissonSampler,
  withoutReplacementSampler,
} from '../../sampling/index.js'
import type { Sampling } from '../../train/index.js'
import { count, kind, kinds, positive, record, type Schema } from './schema-parts.js'

/** How batches are drawn, in every way that an accountant here can count. The number of examples to train on is public: batch sizes become probabilities by it. */
export type SamplerChoice =
  | { readonly kind: 'poisson'; readonly expectedBatchSize: number }
  | { readonly kind: 'truncatedPoisson'; readonly expectedBatchSize: number; readonly truncatedBatchSize: number }
  | { readonly kind: 'cyclicPoisson'; readonly expectedBatchSize: number; readonly cycle: number }
  | { readonly kind: 'withoutReplacement'; readonly batchSize: number }
  | { readonly kind: 'shuffled' | 'ballsAndBins'; readonly batches: number }

type Of<K extends SamplerChoice['kind']> = Extract<SamplerChoice, { readonly kind: K }>
type Epochs = Extract<SamplerChoice, { readonly batches: number }>

/** A selection of batches. */
export const samplerSchema: Schema<SamplerChoice> = kinds(
  'kind',
  ['poisson', 'truncatedPoisson', 'cyclicPoisson', 'withoutReplacement', 'shuffled', 'ballsAndBins'],
  [
    record<Of<'poisson'>>({ kind: kind('poisson'), expectedBatchSize: positive }),
    record<Of<'truncatedPoisson'>>({
      kind: kind('truncatedPoisson'),
      expectedBatchSize: positive,
      truncatedBatchSize: count,
    }),
    record<Of<'cyclicPoisson'>>({ kind: kind('cyclicPoisson'), expectedBatchSize: positive, cycle: count }),
    record<Of<'withoutReplacement'>>({ kind: kind('withoutReplacement'), batchSize: count }),
    ...(['shuffled', 'ballsAndBins'] as const).map((name) => record<Epochs>({ kind: kind(name), batches: count })),
  ],
)

/** The sampler for a dataset of a size, and the batch size that is expected of it. */
export type ChosenSampling = Sampling & { readonly expectedBatchSize: number }

/** The field that makes batches larger than the data, or more batches than there are examples. */
export const sizeLimit = (
  choice: SamplerChoice,
  datasetSize: number,
): { readonly field: string; readonly value: number } | undefined => {
  const check = (field: string, value: number, most: number) => (value > most ? { field, value } : undefined)
  switch (choice.kind) {
    case 'poisson':
    case 'truncatedPoisson':
      return check('expectedBatchSize', choice.expectedBatchSize, datasetSize)
    case 'cyclicPoisson':
      return choice.expectedBatchSize * choice.cycle > datasetSize
        ? { field: 'expectedBatchSize', value: choice.expectedBatchSize }
        : undefined
    case 'withoutReplacement':
      return check('batchSize', choice.batchSize, datasetSize)
    case 'shuffled':
    case 'ballsAndBins':
      return check('batches', choice.batches, datasetSize)
  }
}

/** The sampler of a choice whose size is within its limit. */
export const samplingOf = (choice: SamplerChoice, datasetSize: number): ChosenSampling => {
  switch (choice.kind) {
    case 'poisson': {
      const { expectedBatchSize } = choice
      return { samplingProbability: expectedBatchSize / datasetSize, expectedBatchSize }
    }
    case 'truncatedPoisson': {
      const { expectedBatchSize, truncatedBatchSize } = choice
      const samplingProbability = expectedBatchSize / datasetSize
      return {
        sampler: truncatedPoissonSampler({ datasetSize, samplingProbability, truncatedBatchSize }),
        expectedBatchSize,
      }
    }
    case 'cyclicPoisson': {
      const { expectedBatchSize, cycle } = choice
      // A batch is drawn from one of `cycle` groups.
      return {
        sampler: cyclicPoissonSampler({ samplingProbability: (expectedBatchSize * cycle) / datasetSize, cycle }),
        expectedBatchSize,
      }
    }
    case 'withoutReplacement': {
      const { batchSize } = choice
      return { sampler: withoutReplacementSampler({ datasetSize, batchSize }), expectedBatchSize: batchSize }
    }
    case 'shuffled': {
      const { batches } = choice
      return { sampler: shuffledSampler({ datasetSize, batches }), expectedBatchSize: datasetSize / batches }
    }
    case 'ballsAndBins': {
      const { batches } = choice
      return { sampler: ballsAndBinsSampler({ batches }), expectedBatchSize: datasetSize / batches }
    }
  }
}
