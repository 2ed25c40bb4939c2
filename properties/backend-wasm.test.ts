import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { reference } from '../src/tensor/backend/reference.js'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { full, tensor, toArray, zeros } from '../src/tensor/index.js'
import { backendLaws, identicalLaws } from './laws/backend.js'
import { scopeLaws } from './laws/backend-scope.js'

const relaxed = wasm({ threads: 1 })
const plain = wasm({ threads: 1, relaxed: false })
const threaded = wasm({ threads: 2 })

afterAll(() => {
  for (const backend of [relaxed, plain, threaded]) backend.close()
})

for (const backend of [relaxed, plain]) backendLaws(backend.name, backend, 1e-5)

// what holds of one thread's bits holds of the same bits
identicalLaws('wasm, one thread and two', relaxed, threaded)
scopeLaws(threaded.name, threaded)

describe('two backends in one process', () => {
  // V8 gives every shared memory a new buffer when one of them grows.
  it('leave results as they are, whichever memory grows', () => {
    const other = wasm({ threads: 2 })
    const made = [0, 1, 2].map((round) => {
      other.map('square', zeros([2 ** (22 + round)]))
      return threaded.map('square', full(round, [1000]))
    })
    other.close()
    threaded.map('square', full(7, [1000]))
    expect(made.map((t) => [...new Set(toArray(t))])).toEqual([[0], [1], [4]])
    expect(made.map((t) => (t.data as Float32Array).buffer)).toEqual(made.map(() => expect.any(ArrayBuffer)))
  })
})

describe('a maximum over a long row', () => {
  it('is the first of the largest, with its sign, and a NaN where there is one', () => {
    const number = fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: -3, max: 3 }) },
      { weight: 2, arbitrary: fc.constantFrom(0, -0, Infinity, -Infinity) },
    )
    const row = (length: number) =>
      fc.tuple(
        fc.array(number, { minLength: length, maxLength: length }),
        fc.option(fc.nat(length - 1), { freq: 4, nil: undefined }),
      )
    const rows = fc
      .integer({ min: 6, max: 40 })
      .chain((length) => fc.array(row(length), { minLength: 1, maxLength: 3 }))
    fc.assert(
      fc.property(rows, (drawn) => {
        const lines = drawn.map(([line, place]) => (place === undefined ? line : line.with(place, Number.NaN)))
        const length = (lines[0] as number[]).length
        const x = tensor(lines.flat(), [lines.length, 1, 1, length])
        const window = { kernel: [1, length], stride: [1, 1], padding: [0, 0], dilation: [1, 1] } as const
        const [found, known] = [threaded.maxPool2d(x, window), reference.maxPool2d(x, window)]
        expect(toArray(found.y)).toEqual(toArray(known.y))
        expect(toArray(found.argmax)).toEqual(toArray(known.argmax))
      }),
    )
  })
})
