import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { reference } from '../src/tensor/backend/reference.js'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { tensor, toArray } from '../src/tensor/index.js'
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

describe('a maximum over a long row', () => {
  it('is the first of the largest, with its sign, and a NaN where there is one', () => {
    const number = fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: -3, max: 3 }) },
      { weight: 1, arbitrary: fc.constantFrom(0, -0, Infinity, -Infinity) },
      { weight: 1, arbitrary: fc.constantFrom(...[-0, -0, -0, Number.NaN]) },
    )
    const rows = fc
      .integer({ min: 6, max: 40 })
      .chain((length) =>
        fc.tuple(fc.array(fc.array(number, { minLength: length, maxLength: length }), { minLength: 1, maxLength: 3 })),
      )
    fc.assert(
      fc.property(rows, ([lines]) => {
        const length = lines[0]?.length as number
        const x = tensor(lines.flat(), [lines.length, 1, 1, length])
        const window = { kernel: [1, length], stride: [1, 1], padding: [0, 0], dilation: [1, 1] } as const
        const [found, known] = [threaded, reference].map((backend) => backend.maxPool2d(x, window))
        expect(toArray(found?.y ?? x)).toEqual(toArray(known?.y ?? x))
        expect(toArray(found?.argmax ?? x)).toEqual(toArray(known?.argmax ?? x))
      }),
    )
  })
})
