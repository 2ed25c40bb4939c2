/**
 * IDX files, written by the obvious loop.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { IdxType } from '../../src/data/idx.js'
import { sizeOf } from '../../src/tensor/shape.js'

/** What an IDX file holds. */
export interface IdxExample {
  readonly type: IdxType
  readonly shape: readonly number[]
  readonly values: readonly number[]
}

const idxCodes = { uint8: 8, int8: 9, int16: 11, int32: 12, float32: 13, float64: 14 } as const

/** The bytes of an IDX file, element by element. */
export const encodeIdx = (type: IdxType, shape: readonly number[], values: readonly number[]): Uint8Array => {
  const bytes = { uint8: 1, int8: 1, int16: 2, int32: 4, float32: 4, float64: 8 }[type]
  const out = new Uint8Array(4 + 4 * shape.length + bytes * values.length)
  out.set([0, 0, idxCodes[type], shape.length])
  const view = new DataView(out.buffer)
  shape.forEach((extent, axis) => {
    view.setUint32(4 + 4 * axis, extent)
  })
  const write = {
    uint8: view.setUint8,
    int8: view.setInt8,
    int16: view.setInt16,
    int32: view.setInt32,
    float32: view.setFloat32,
    float64: view.setFloat64,
  }[type]
  values.forEach((value, i) => {
    write.call(view, 4 + 4 * shape.length + bytes * i, value)
  })
  return out
}

const idxElements = {
  uint8: fc.integer({ min: 0, max: 255 }),
  int8: fc.integer({ min: -128, max: 127 }),
  int16: fc.integer({ min: -32768, max: 32767 }),
  int32: fc.integer(),
  float32: fc.float(),
  float64: fc.double(),
}

/** Arrays of every type, with extents of 0 among them. */
export const idxArrays: Arbitrary<IdxExample> = fc
  .record({
    type: fc.constantFrom(...(Object.keys(idxCodes) as IdxType[])),
    shape: fc.array(fc.nat(4), { minLength: 1, maxLength: 4 }),
  })
  .chain(({ type, shape }) =>
    fc.record({
      type: fc.constant(type),
      shape: fc.constant(shape),
      values: fc.array(idxElements[type], { minLength: sizeOf(shape), maxLength: sizeOf(shape) }),
    }),
  )
