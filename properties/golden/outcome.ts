/**
 * What became of one golden case.
 */

/** The worst error over the figures of a case, in units that the case chose; it passes if error ≤ tolerance. */
export interface Compared {
  readonly _tag: 'compared'
  readonly error: number
  readonly tolerance: number
  /** What is known of the case beside its error: a source's figure that is not to be matched, and the truth. */
  readonly note?: string
}

/** What the case asks for is not built. */
export interface NotSupported {
  readonly _tag: 'notSupported'
  readonly reason: string
}

export type Outcome = Compared | NotSupported

/** A case that can be run on its own. */
export interface GoldenCase {
  readonly name: string
  readonly run: () => Outcome
}

export const notSupported = (reason: string): NotSupported => ({ _tag: 'notSupported', reason })

/** Did the case pass? Undefined where it was not run. NaN fails. */
export const passed = (outcome: Outcome): boolean | undefined =>
  outcome._tag === 'compared' ? outcome.error <= outcome.tolerance : undefined
