/**
 * What a training run on this page is told, and the fields that tell it.
 */
import type { Field } from '../page/field.js'

export interface TrainingSettings {
  /** σ: the noise's standard deviation over C. */
  readonly noiseMultiplier: number
  /** C, in gradient units. */
  readonly clipNorm: number
  readonly learningRate: number
  /** q, per step. */
  readonly samplingProbability: number
  /** The ε that the run never exceeds: fixed when it starts. */
  readonly epsilonBudget: number
}

/** Examples that are trained on, and that accuracy is measured on. */
export const EXAMPLES = 3000
export const TEST_EXAMPLES = 500

/** δ of every statement about a run. */
export const TRAINING_DELTA = 1e-5

export const MOMENTUM = 0.9

export const trainingFields: Readonly<Record<keyof TrainingSettings, Field>> = {
  noiseMultiplier: {
    name: 'train-noise-multiplier',
    label: 'Noise multiplier',
    symbol: 'σ',
    why: 'Standard deviation of the noise over C. More noise, less ε a step, slower learning.',
    initial: 1,
    scale: 'log',
    slider: [0.4, 8],
    digits: 3,
    allows: (x) => x >= 0.2 && x <= 1000,
    requirement: 'a number from 0.2 to 1000',
  },
  clipNorm: {
    name: 'train-clip-norm',
    label: 'Clip norm',
    symbol: 'C',
    why: 'Longer gradients are scaled down to this length. The noise scales with it, so ε does not change.',
    initial: 1,
    scale: 'log',
    slider: [0.01, 100],
    digits: 3,
    allows: (x) => x >= 1e-4 && x <= 1e4,
    requirement: 'a number from 0.0001 to 10000',
  },
  learningRate: {
    name: 'train-learning-rate',
    label: 'Learning rate',
    symbol: 'η',
    why: 'Length of a step, with momentum 0.9. It costs no privacy.',
    initial: 0.2,
    scale: 'log',
    slider: [0.005, 5],
    digits: 3,
    allows: (x) => x > 0 && x <= 1000,
    requirement: 'a number above 0, at most 1000',
  },
  samplingProbability: {
    name: 'train-sampling-probability',
    label: 'Sampling probability',
    symbol: 'q',
    why: `Each of the ${EXAMPLES.toLocaleString('en')} digits joins a step with this probability, on its own.`,
    initial: 0.05,
    scale: 'log',
    slider: [0.005, 0.3],
    digits: 3,
    allows: (x) => x > 0 && x <= 1,
    requirement: 'a number above 0, at most 1',
  },
  epsilonBudget: {
    name: 'train-epsilon-budget',
    label: 'Privacy budget',
    symbol: 'ε',
    why: 'The run ends before the step that would exceed it. Fixed while a run is on, so that it holds whatever you change.',
    initial: 10,
    scale: 'log',
    slider: [0.5, 50],
    digits: 3,
    allows: (x) => x >= 0.1 && x <= 1000,
    requirement: 'a number from 0.1 to 1000',
  },
}

export const trainingFieldNames = Object.keys(trainingFields) as readonly (keyof TrainingSettings)[]
