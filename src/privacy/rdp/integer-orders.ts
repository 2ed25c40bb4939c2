/**
 * Bounds that theorems give at integer orders, at every order: log A is convex in the order, so chords of a bound are a bound.
 */

/** The largest order that is bounded; the work grows with its square. */
export const LARGEST_ORDER = 256

/**
 * The divergence at order 1 + c from bounds of log A at the orders 1, 2, …; below order 2 the divergence at 2, Infinity beyond the last.
 */
export const betweenOrders =
  (logMoments: readonly number[]): ((excess: number) => number) =>
  (excess) => {
    if (excess <= 1) return logMoments[1] as number
    const below = Math.floor(excess)
    const fraction = excess - below
    const low = logMoments[below]
    const high = fraction === 0 ? 0 : logMoments[below + 1]
    return low === undefined || high === undefined ? Infinity : ((1 - fraction) * low + fraction * high) / excess
  }
