/**
 * What happens to one sample stays with that sample: whatever it holds, the results of the others keep their bits.
 */
import fc from 'fast-check'
import { describe, it } from 'vitest'
import type { Backend } from '../../src/tensor/backend/backend.js'
import { cast, full, size, type Tensor } from '../../src/tensor/tensor.js'
import { concatenate, slice } from '../../src/tensor/view.js'
import { operations } from '../arbitraries/operation.js'
import { ordinary } from '../arbitraries/tensor.js'
import { expectSameBits } from './purity.js'

const samples = (t: Tensor, start: number, end?: number): Tensor =>
  slice({ axis: 0, start, ...(end === undefined ? {} : { end }) })(t)

const others = (t: Tensor, sample: number): Tensor => concatenate([samples(t, 0, sample), samples(t, sample + 1)])

/** The same samples, of which one holds nothing but one value. */
const spoilt = (t: Tensor, sample: number, value: number): Tensor =>
  concatenate([
    samples(cast('float64')(t), 0, sample),
    full(value, [1, ...t.shape.slice(1)], 'float64'),
    samples(cast('float64')(t), sample + 1),
  ])

export const isolationLaws = (name: string, backend: Backend): void => {
  describe(`${name}: a sample that is not finite leaves the others alone`, () => {
    it.each(
      operations.flatMap(({ name: of, rows, applications }) =>
        rows === undefined ? [] : [[of, rows, applications] as const],
      ),
    )('%s', (_, rows, applications) => {
      const cases = applications({ values: ordinary }).filter(({ inputs }) => inputs[0]?.shape[0] !== 0)
      const values = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e30)
      fc.assert(
        fc.property(cases, fc.nat(), values, ({ inputs, apply }, draw, value) => {
          const sample = draw % (inputs[0]?.shape[0] as number)
          const changed = inputs.map((t, i) => (rows.includes(i) ? spoilt(t, sample, value) : t))
          const [clean, dirty] = [apply(backend)(...inputs), apply(backend)(...changed)]
          if (size(clean) > 0) expectSameBits(others(clean, sample), others(dirty, sample))
        }),
      )
    })
  })
}
