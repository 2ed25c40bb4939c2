import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { decodeNpy, decodeNpz, encodeNpy, encodeNpz, showDataError } from '../src/data/index.js'
import { type DType, tensor, toArray, transpose } from '../src/tensor/index.js'

const golden = JSON.parse(readFileSync(new URL('golden/npy.json', import.meta.url), 'utf8')) as {
  readonly arrays: readonly { name: string; bytes: string; shape: number[]; values: number[] }[]
  readonly npz: string
  readonly compressed: string
}
const bytesOf = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))
const right = <L, A>(either: E.Either<L, A>): A => {
  if (E.isLeft(either)) throw new Error(JSON.stringify(either.left))
  return either.right
}
const tensors = fc
  .record({
    shape: fc.array(fc.nat(3), { maxLength: 3 }),
    dtype: fc.constantFrom<DType>('float32', 'float64', 'int32', 'uint32', 'uint8'),
    seed: fc.nat(),
  })
  .map(({ shape, dtype, seed }) =>
    tensor(
      Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i * 7 + seed) % 200),
      shape,
      dtype,
    ),
  )

describe('NPY', () => {
  it.each(golden.arrays)('reads what NumPy wrote: $name', ({ bytes, shape, values }) => {
    const found = right(decodeNpy(bytesOf(bytes)))
    expect(found.shape).toEqual(shape)
    expect(toArray(found)).toEqual(values)
  })

  it('writes the bytes that NumPy writes', () => {
    const [first] = golden.arrays
    expect(encodeNpy(tensor(first!.values, first!.shape, 'float32'))).toEqual(bytesOf(first!.bytes))
  })

  it('there and back, views included', () =>
    fc.assert(
      fc.property(tensors, (t) => {
        for (const view of [t, transpose()(t)]) {
          const back = right(decodeNpy(encodeNpy(view)))
          expect([back.shape, back.dtype, toArray(back)]).toEqual([view.shape, view.dtype, toArray(view)])
        }
      }),
    ))

  it('refuses what is cut, too long, or damaged, in one sentence, and throws nothing', () =>
    fc.assert(
      fc.property(tensors, fc.nat(), fc.integer({ min: 0, max: 255 }), (t, place, byte) => {
        const bytes = encodeNpy(t)
        expect(E.isLeft(decodeNpy(bytes.subarray(0, place % bytes.length)))).toBe(true)
        expect(E.isLeft(decodeNpy(Uint8Array.of(...bytes, byte)))).toBe(true)
        const damaged = Uint8Array.from(bytes)
        damaged[place % 128] = byte
        const read = decodeNpy(damaged)
        if (E.isLeft(read)) expect(showDataError(read.left)).toMatch(/^NPY data: found .*; allowed: .*\.$/)
      }),
    ))

  it('random bytes and absurd shapes are refused', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => E.isLeft(decodeNpy(bytes))))
    const absurd = new TextEncoder().encode(
      "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 99999999999), }",
    )
    const file = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, absurd.length, 0, ...absurd)
    expect(E.isLeft(decodeNpy(file))).toBe(true)
    const large = encodeNpy(tensor([1, 2], [2], 'float64'))
    const text = new TextDecoder('latin1').decode(large).replace('<f8', '<i8')
    expect(E.isLeft(decodeNpy(Uint8Array.from(text, (c) => c.charCodeAt(0))))).toBe(true)
  })
})

describe('NPZ', () => {
  it('reads what NumPy wrote, compressed or not', () => {
    const plain = right(decodeNpz(bytesOf(golden.npz)))
    expect(Object.keys(plain)).toEqual(['weight', 'bias'])
    expect(toArray(plain.bias!)).toEqual([1, 2])
    expect(toArray(right(decodeNpz(bytesOf(golden.compressed))).weight!)).toEqual(Array(400).fill(1))
  })

  it('there and back', () =>
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z][a-z.0-9]{0,8}$/), tensors, { maxKeys: 4 }), (named) => {
        const back = right(decodeNpz(encodeNpz(named)))
        expect(Object.keys(back).sort()).toEqual(Object.keys(named).sort())
        for (const [name, t] of Object.entries(named)) expect(toArray(back[name]!)).toEqual(toArray(t))
      }),
    ))

  it('refuses what is damaged, and an entry that claims to be larger than deflate can make it', () => {
    const bytes = bytesOf(golden.compressed)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }), (place, byte) => {
        expect(E.isLeft(decodeNpz(bytes.subarray(0, place)))).toBe(true)
        const damaged = Uint8Array.from(bytes)
        damaged[place] = byte
        const read = decodeNpz(damaged)
        if (E.isLeft(read)) expect(showDataError(read.left)).toMatch(/^NPZ data.*: found .*; allowed: .*\.$/s)
      }),
    )
    const bomb = Uint8Array.from(bytes)
    // The size after inflating, in the central directory.
    const directory = bomb.findIndex((_, i) => bomb[i] === 0x50 && bomb[i + 1] === 0x4b && bomb[i + 2] === 1)
    bomb.set([255, 255, 255, 127], directory + 24)
    const read = decodeNpz(bomb)
    expect(E.isLeft(read) && showDataError(read.left)).toMatch(/claims 2147483647 bytes/)
  })
})
