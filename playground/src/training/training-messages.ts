/**
 * What the page and the worker that trains say to each other.
 */
import type { PrivacyEvent } from '../../../src/privacy/index.js'
import type { TrainingSettings } from './training-settings.js'

export type Command =
  /** Begins the run of this number, or goes on with it. */
  | { readonly _tag: 'Go'; readonly run: number; readonly settings: TrainingSettings; readonly stepsPerSecond: number }
  | { readonly _tag: 'Pause' }
  | { readonly _tag: 'Change'; readonly settings: TrainingSettings; readonly stepsPerSecond: number }
  /** Ends the run for good. */
  | { readonly _tag: 'Reset' }

/** A few test digits, to look at. */
export interface Specimen {
  /** Grey levels in [0, 1], 28 × 28. */
  readonly pixels: readonly number[]
  readonly label: number
}

export interface Progress {
  /** Number of the run. */
  readonly run: number
  readonly step: number
  /** Proved, by Rényi accounting of the ledger. */
  readonly epsilon: number
  readonly ledger: PrivacyEvent
  /** Where each phase began. */
  readonly phases: readonly number[]
  /** NaN for an empty batch. Not private. */
  readonly loss: number
  /** Of the steps since the last message. Not private. */
  readonly norms: readonly number[]
  readonly stepsPerSecond: number
  /** On the test digits, where it was measured. */
  readonly accuracy?: number
  /** Of the specimens, with `accuracy`. */
  readonly guesses?: readonly number[]
}

export type News =
  | {
      readonly _tag: 'Ready'
      readonly backend: string
      readonly parameters: number
      readonly specimens: readonly Specimen[]
      readonly milliseconds: number
    }
  | { readonly _tag: 'Progress'; readonly progress: Progress }
  /** The next step would exceed the budget. */
  | { readonly _tag: 'Spent'; readonly progress: Progress }
  | { readonly _tag: 'Paused'; readonly run: number }
  | { readonly _tag: 'Refused'; readonly run: number; readonly reasons: readonly string[] }
