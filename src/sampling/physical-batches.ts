/**
 * Logical batches, which privacy is about, in physical ones, which memory is about.
 */

/** At least one: the fold that adds the clipped sums of the parts has a first. */
export type PhysicalBatches = readonly [first: Int32Array, ...rest: Int32Array[]]

/**
 * A logical batch in parts of at most `maximum` examples, in order. Joined they are the batch; only the last may be
 * smaller. An empty logical batch has one part, which is empty: so a step over the parts adds up, takes its noise and is
 * counted without a special case.
 *
 * @throws RangeError unless maximum is an integer ≥ 1
 * @example
 * physicalBatches(2)(new Int32Array([3, 5, 8])) // => [new Int32Array([3, 5]), new Int32Array([8])]
 * @example
 * physicalBatches(2)(new Int32Array([])) // => [new Int32Array([])]
 */
export const physicalBatches = (maximum: number): ((indices: Readonly<ArrayLike<number>>) => PhysicalBatches) => {
  if (!(Number.isInteger(maximum) && maximum >= 1))
    throw new RangeError(`maximum is ${maximum}: it must be an integer >= 1`)
  return (indices) => {
    const batch = Int32Array.from(indices)
    const later = Math.max(0, Math.ceil(batch.length / maximum) - 1)
    return [
      batch.slice(0, maximum),
      ...Array.from({ length: later }, (_, part) => batch.slice((part + 1) * maximum, (part + 2) * maximum)),
    ]
  }
}
