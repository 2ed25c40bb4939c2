/**
 * Nothing exported writes to an argument, and the same arguments give the same result.
 */
import fc, { type Arbitrary } from 'fast-check'
import { expect, it } from 'vitest'
import { contiguous, isTensor, size, type Tensor, toArray } from '../../src/tensor/tensor.js'

/** Every tensor within records and arrays. */
export const tensorsWithin = (value: unknown): readonly Tensor[] =>
  isTensor(value)
    ? [value]
    : typeof value === 'object' && value !== null
      ? Object.values(value).flatMap(tensorsWithin)
      : []

/** Everything that a tensor is, storage around its view included, as a string. */
const bits = ({ data, shape, stride, offset, dtype }: Tensor): string => {
  const { buffer, byteOffset, byteLength } = data as Float64Array
  const bytes = Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('latin1')
  return `${dtype} [${shape}] [${stride}] ${offset} ${bytes}`
}

/** Runs a body, and fails if any tensor within `inputs` is not afterwards, bit for bit, what it was before. */
export const leavesUnchanged = <A>(inputs: unknown, body: () => A): A => {
  const before = tensorsWithin(inputs).map(bits)
  const result = body()
  if (tensorsWithin(inputs).some((t, i) => bits(t) !== before[i])) expect.fail('an input was written to')
  return result
}

/** The same, with one NaN for all: nothing says which of its many bit patterns an operation gives. */
const resultBits = (t: Tensor): string => {
  const source = contiguous(t)
  const data = new Float64Array((source.data as Float64Array).subarray(source.offset, source.offset + size(t)))
  data.forEach((x, i) => {
    if (Number.isNaN(x)) data[i] = Number.NaN
  })
  return bits({ ...source, data, offset: 0 })
}

/** Fails unless two results hold the same tensors, bit for bit, the sign of 0 included. */
export const expectSameBits = (a: unknown, b: unknown): void => {
  const [left, right] = [tensorsWithin(a), tensorsWithin(b)]
  expect(right.length).toBe(left.length)
  for (const [i, t] of left.entries()) {
    const other = right[i] as Tensor
    if (resultBits(t) !== resultBits(other))
      expect.fail(`bits differ: [${t.shape}] ${toArray(t)} and [${other.shape}] ${toArray(other)}`)
  }
}

/** A function of tensors, or of what holds them, is pure. */
export const purityLaws = <A>(name: string, inputs: Arbitrary<A>, f: (input: A) => unknown): void => {
  it(`${name} writes to no argument, and gives the same again`, () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const first = leavesUnchanged(input, () => f(input))
        const second = leavesUnchanged([input, first], () => f(input))
        expectSameBits(first, second)
        if (tensorsWithin(first).length === 0) expect(second).toEqual(first)
      }),
    )
  })
}
