/** What a contender has ready for a problem. */
export interface Prepared {
  /** Of the library, in words. */
  readonly version: string
  /** The clipped sum: all leaves, one after another. */
  readonly sum: Float32Array
  readonly step: () => unknown
  /** More to say of a step: the bytes of an arena. */
  readonly report?: () => Readonly<Record<string, number>>
}
export declare const serve: (
  contenders: Readonly<Record<string, (folder: string) => Prepared | Promise<Prepared>>>,
) => void
