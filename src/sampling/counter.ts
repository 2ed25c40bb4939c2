/**
 * Where in its stream a block cipher is.
 */

/** A 64-bit number in two halves. */
export interface Counter {
  readonly high: number
  readonly low: number
}

/** A count as a counter. @internal */
export const counterOf = (count: number): Counter => ({ high: Math.floor(count / 0x100000000), low: count })

/** The words that RFC 8439 calls nonce; `high` is added to by the blocks beyond 2³². */
export interface ChaChaNonce {
  readonly high: number
  readonly middle: number
  readonly low: number
}
