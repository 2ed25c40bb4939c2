/**
 * What comes of comparing with a known answer.
 */

/** `compared` passes when error ≤ tolerance; `notSupported` is a case of something that is not built. */
export type Outcome =
  | { readonly _tag: 'compared'; readonly error: number; readonly tolerance: number }
  | { readonly _tag: 'notSupported'; readonly reason: string }

export interface GoldenCase {
  readonly name: string
  readonly run: () => Outcome
}

export const notSupported = (reason: string): Outcome => ({ _tag: 'notSupported', reason })
