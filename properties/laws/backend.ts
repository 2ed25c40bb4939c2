/**
 * What every backend must do: agree with the reference on every operation, whatever the view, the dtype and the extents
 * of its inputs, leave those inputs alone, and give the same bits again.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Backend } from '../../src/tensor/backend/backend.js'
import { reference } from '../../src/tensor/backend/reference.js'
import { ShapeEq } from '../../src/tensor/shape.js'
import { cast, dtypeOf, isContiguous, type Storage, type Tensor, toArray } from '../../src/tensor/tensor.js'
import type { Application } from '../arbitraries/application.js'
import { large } from '../arbitraries/large.js'
import { type Flow, operations } from '../arbitraries/operation.js'
import { ordinary, special } from '../arbitraries/tensor.js'
import { adjointLaws } from './backend-adjoint.js'
import { isolationLaws } from './backend-isolation.js'
import { roundingLaws } from './backend-rounding.js'
import { scopeLaws } from './backend-scope.js'
import { shapeErrorLaws } from './backend-shapes.js'
import { thenLaws } from './backend-then.js'
import { expectSameBits, leavesUnchanged } from './purity.js'

/** Least normal number of the dtype: below it, a result may lose its relative precision, or be 0. */
const underflow = { float32: 2 ** -126, float64: 2 ** -1022, int32: 0 } as const

/** Fails unless the elements of `actual` are within `tolerance · terms` of those of `expected`. */
export const expectClose = (actual: Tensor, expected: Tensor, terms: Tensor, tolerance: number, flow: Flow): void => {
  const [found, wanted, sizes] = [toArray(actual), toArray(expected), toArray(terms)]
  for (const [i, want] of wanted.entries()) {
    const got = found[i] as number
    const [size, rounded] = [sizes[i] as number, actual.dtype === 'float32' ? Math.fround(want) : want]
    const close = Number.isFinite(rounded)
      ? (flow === 'contained' && !Number.isFinite(got)) ||
        Math.abs(got - want) <= tolerance * size + underflow[actual.dtype as 'float32']
      : flow === 'same'
        ? Object.is(got, rounded)
        : flow === 'any' || !Number.isFinite(got)
    if (!close) expect.fail(`element ${i}: ${got} for ${want}, |terms| ${size}, of [${wanted}] against [${found}]`)
  }
}

/** A row-major tensor of the right dtype, in storage that it shares with no input. */
const expectFresh = (result: Tensor, dtype: string, inputs: readonly Tensor[]): void => {
  expect(result.dtype).toBe(dtype)
  expect(dtypeOf(result.data as Storage)).toBe(dtype)
  expect(isContiguous(result)).toBe(true)
  expect(inputs.every((t) => t.data !== result.data)).toBe(true)
  if ((result.data as Storage).byteLength > 0)
    expect(inputs.every((t) => (t.data as Storage).buffer !== (result.data as Storage).buffer)).toBe(true)
}

interface Answer {
  readonly expected: Tensor
  readonly terms: Tensor
}

/** What the definition says of an application, as a backend of the given dtype sees its inputs. */
const answer = ({ inputs, apply, terms }: Application, dtype: Backend['dtype']): Answer => {
  // arithmetic happens in the dtype of the backend: that is what an input is rounded to before anything else
  const seen = inputs.map(cast(dtype))
  return { expected: apply(reference)(...seen), terms: terms(...seen) }
}

/** The definition takes its time with the large ones, which are the same for every backend. */
const answers = new Map<string, Answer>()
const remembered = (name: string, application: Application, dtype: Backend['dtype']): Answer => {
  const key = `${name} ${dtype}`
  const found = answers.get(key) ?? answer(application, dtype)
  answers.set(key, found)
  return found
}

/** One application obeys the whole contract. */
const expectLawful = (
  backend: Backend,
  tolerance: number,
  flow: Flow,
  { inputs, apply, dtype }: Application,
  { expected, terms }: Answer,
): void => {
  const result = leavesUnchanged(inputs, () => apply(backend)(...inputs))
  expect(ShapeEq.equals(result.shape, expected.shape), `${result.shape} for ${expected.shape}`).toBe(true)
  expectFresh(result, dtype ?? backend.dtype, inputs)
  expectClose(result, expected, terms, tolerance, flow)
  expectSameBits(
    result,
    leavesUnchanged(inputs, () => apply(backend)(...inputs)),
  )
}

/**
 * The suite that a backend must pass.
 *
 * `tolerance` is relative to the sum of the absolute values of the terms that make up an element; `cases` are those of the
 * large applications that tell something of this backend.
 */
export const backendLaws = (
  name: string,
  backend: Backend,
  tolerance: number,
  cases: readonly (typeof large)[number][] = large,
): void => {
  describe(`${name}: agrees with the reference, writes to no input, gives the same bits again`, () => {
    it.each(operations.map((operation) => [operation.name, operation] as const))('%s', (_, { applications }) => {
      fc.assert(
        fc.property(applications({ values: ordinary }), (application) =>
          expectLawful(backend, tolerance, 'same', application, answer(application, backend.dtype)),
        ),
      )
    })
  })
  describe(`${name}: NaN and infinities flow`, () => {
    it.each(operations.filter(({ flow }) => flow !== 'any').map((operation) => [operation.name, operation] as const))(
      '%s',
      (_, { applications, flow }) => {
        fc.assert(
          fc.property(applications({ values: special, dtypes: ['float32', 'float64'] }), (application) =>
            expectLawful(backend, tolerance, flow, application, answer(application, backend.dtype)),
          ),
        )
      },
    )
  })
  if (backend !== reference && cases.length > 0)
    describe(`${name}: agrees with the reference where tiles, panels and threads begin and end`, () => {
      it.each(cases)('%s', (of, application) => {
        expectLawful(backend, tolerance, 'same', application, remembered(of, application, backend.dtype))
      })
    })
  isolationLaws(name, backend)
  adjointLaws(name, backend, tolerance)
  roundingLaws(name, backend)
  scopeLaws(name, backend)
  thenLaws(name, backend, backend !== reference && cases.length > 0)
  shapeErrorLaws(name, backend)
}

/** Two backends that give the same bits: those that differ in what must not show, such as the number of threads. */
export const identicalLaws = (name: string, a: Backend, b: Backend): void => {
  const expectIdentical = ({ inputs, apply }: Application): void =>
    expectSameBits(apply(a)(...inputs), apply(b)(...inputs))
  describe(`${name}: the same bits`, () => {
    it.each(operations.map((operation) => [operation.name, operation] as const))('%s', (_, { applications }) => {
      fc.assert(fc.property(applications({ values: ordinary }), expectIdentical))
    })
    it.each(large)('%s', (_, application) => {
      expectIdentical(application)
    })
  })
}
