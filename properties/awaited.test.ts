/**
 * Kernels run when somebody looks at a result. When that is cannot be told from the numbers: a program of operations has the bits
 * that it has one operation at a time, whoever looks at what and when, and whatever is given up in between.
 */
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import type { Backend } from '../src/tensor/backend/backend.js'
import { reference } from '../src/tensor/backend/reference.js'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { computed } from '../src/tensor/compute.js'
import { type Formula, larger, magnitude, minus, over, plus, root, sign, times } from '../src/tensor/formula.js'
import { cast, placeOf, type Tensor, tensor, toArray } from '../src/tensor/tensor.js'
import { reshape, slice, transpose } from '../src/tensor/view.js'
import { special } from './arbitraries/tensor.js'
import { expectSameBits } from './laws/purity.js'

const [single, threaded] = [wasm({ threads: 1 }), wasm({ threads: 2 })]
const backends = [single, threaded]
afterAll(() => {
  for (const backend of backends) backend.close()
})

/** Everything is a matrix of this size. */
const EXTENT = 24
const shape = [EXTENT, EXTENT]
const matrix = (seed: number): Tensor =>
  tensor(
    Array.from({ length: EXTENT * EXTENT }, (_, i) => ((((i + 1) * (seed + 7) * 7919) % 2003) - 1001) / 1024),
    shape,
  )

/** Operations on matrices, among them what JavaScript writes to memory: weights, other types, offsets of products, constants. */
const operations: Readonly<Record<string, (backend: Backend, a: Tensor, b: Tensor) => Tensor>> = {
  sum: (backend, a, b) => backend.zip('add', a, b),
  tanh: (backend, a) => backend.map('tanh', a),
  product: (backend, a, b) => backend.map('tanh', backend.matmul(a, transpose()(b))),
  batched: (backend, a, b) => {
    const cut = reshape([4, EXTENT / 4, EXTENT])
    return reshape(shape)(backend.map('tanh', backend.zip('mul', cut(a), cut(b))))
  },
  rows: (backend, a, b) => backend.scaleRows(backend.rowDots(a, b), backend.map('tanh', b)),
  weights: (backend, a, b) => {
    const weight = tensor([1 / 3, 2 / 3, ...new Array<number>(EXTENT - 2).fill(1e-3)], [EXTENT], 'float64')
    const row = backend.weightedRowSum(weight, a)
    return backend.zip('max', reshape([1, EXTENT])(backend.zip('add', row, backend.weightedRowSum(weight, b))), b)
  },
  wide: (backend, a, b) => backend.zip('sub', cast('float64')(matrix(5)), backend.zip('min', a, b)),
  turned: (backend, a, b) => backend.zip('sub', transpose()(a), slice({ axis: 0, step: -1 })(b)),
  spread: (backend, a, b) => backend.zip('max', { ...a }, { ...transpose()(b) }),
  halves: (backend, a, b) => {
    const half = (t: Tensor, start: number): Tensor => slice({ axis: 1, start, end: start + EXTENT / 2 })(t)
    return backend.pad2d(backend.zip('add', half(a, 0), half(b, EXTENT / 2)), { top: 0, bottom: 0, left: 0, right: 12 })
  },
  norms: (backend, a, b) => {
    const length = computed(2, (x, y) => root(plus(x, magnitude(y))))(backend.rowDots(a, a), backend.rowDots(a, b))
    return backend.scaleRows(computed(1, (x) => over(1, plus(x, 1)))(length), a)
  },
  nested: (backend, a, b) =>
    backend.scope(() => backend.zip('sub', backend.map('tanh', a), backend.zip('mul', backend.map('neg', b), a))),
}
const names = Object.keys(operations)

interface Step {
  readonly name: string
  readonly left: number
  readonly right: number
  readonly isSeen: boolean
  readonly isGivenUp: boolean
}
const program = fc.array(
  fc.record({
    name: fc.constantFrom(...names),
    left: fc.nat(),
    right: fc.nat(),
    isSeen: fc.boolean(),
    isGivenUp: fc.boolean(),
  }),
  { minLength: 1, maxLength: 30 },
)

/** Runs a program; each step works on what the last eight gave. */
const run = (backend: Backend, steps: readonly Step[], mayGiveUp: boolean): Tensor => {
  const recent = Array.from({ length: 8 }, (_, seed) => backend.map('neg', matrix(seed)))
  for (const { name, left, right, isSeen, isGivenUp } of steps) {
    const [a, b] = [recent[left % 8] as Tensor, recent[right % 8] as Tensor]
    const made = (operations[name] as (typeof operations)[string])(backend, a, b)
    if (mayGiveUp && isSeen) expect(made.data[made.offset]).toBe(toArray(made)[0])
    recent.push(made)
    const [oldest] = recent.splice(0, 1) as [Tensor]
    const isShared = recent.some((t) => placeOf(t) === placeOf(oldest))
    if (mayGiveUp && isGivenUp && !isShared) backend.release?.(oldest)
  }
  return recent.reduce((sum, t) => backend.zip('add', sum, t))
}

describe.each(backends.map((backend) => [backend.name, backend] as const))('a program on %s', (_, backend) => {
  it('has the bits of its operations one at a time', () => {
    fc.assert(
      fc.property(program, (steps) => {
        const known = run(single, steps, false)
        expectSameBits(
          backend.scope(() => run(backend, steps, false)),
          known,
        )
        expectSameBits(
          backend.scope(() => run(backend, steps, true)),
          known,
        )
      }),
    )
  })

  it('may be longer than what waits', () => {
    const [zero, one] = [matrix(0), matrix(1)]
    const last = backend.scope(() => {
      let x = backend.zip('sub', zero, zero)
      for (let i = 0; i < 3000; i++) x = backend.zip('add', x, i % 2 === 0 ? one : zero)
      return x
    })
    let expected = toArray(zero).map(() => 0)
    const [even, odd] = [toArray(one), toArray(zero)]
    for (let i = 0; i < 3000; i++)
      expected = expected.map((x, j) => Math.fround(x + ((i % 2 === 0 ? even : odd)[j] as number)))
    expect(toArray(last)).toEqual(expected)
  })

  it('that fails leaves nothing behind', () => {
    const x = matrix(3)
    const failing = (): Tensor =>
      backend.scope(() => {
        backend.map('tanh', backend.zip('add', x, x))
        throw new Error('it fails')
      })
    expect(failing).toThrow('it fails')
    const outer = backend.scope(() => {
      const kept = backend.map('neg', x)
      expect(() => backend.scope(failing)).toThrow('it fails')
      return backend.zip('add', kept, backend.map('neg', x))
    })
    expect(toArray(outer)).toEqual(toArray(x).map((v) => -2 * v))
  })

  it('shows numbers as they were when somebody looked', () => {
    const seen = backend.scope(() => {
      const x = backend.map('neg', matrix(2))
      const { data } = x
      const before = Array.from(data)
      backend.release?.(x)
      backend.map('square', matrix(4))
      return before
    })
    expect(seen).toEqual(toArray(matrix(2)).map((v) => -v))
  })
})

describe('operands of another backend', () => {
  it('are read before its scope ends', () => {
    for (const [inner, outer] of [
      [single, threaded],
      [threaded, single],
    ] as const) {
      const found = outer.scope(() => {
        const kept = inner.scope(() => {
          const own = inner.map('neg', matrix(1))
          const wide = inner.rowDots(own, own)
          return [outer.map('neg', own), outer.map('neg', transpose()(own)), outer.scaleRows(wide, own)]
        })
        inner.map('square', matrix(6))
        inner.scope(() => inner.zip('add', inner.map('exp', matrix(8)), matrix(9)))
        return kept
      })
      const x = reference.map('neg', matrix(1))
      expect(toArray(found[0] as Tensor)).toEqual(toArray(matrix(1)))
      expect(toArray(found[1] as Tensor)).toEqual(toArray(transpose()(matrix(1))))
      const scaled = toArray(reference.scaleRows(reference.rowDots(x, x), x))
      toArray(found[2] as Tensor).forEach((v, i) => {
        expect(v).toBeCloseTo(scaled[i] as number, 4)
      })
    }
  })
})

describe('formulas of float64', () => {
  const formulas: Readonly<Record<string, (a: Formula, b: Formula, c: Formula) => Formula>> = {
    arithmetic: (a, b, c) => minus(times(a, b), over(c, plus(a, 0.1))),
    roots: (a, b, c) => plus(root(larger(a, b)), times(sign(c), magnitude(b))),
    one: (a) => a,
    shared: (a, b) => {
      const length = plus(root(larger(a, 0)), b)
      return times(length, length)
    },
  }
  it('have the bits of the loops, wherever their numbers are', () => {
    const numbers = fc.oneof(fc.double({ noDefaultInfinity: true }), special)
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(formulas)),
        fc
          .integer({ min: 0, max: 300 })
          .chain((n) => fc.tuple(...[0, 1, 2].map(() => fc.array(numbers, { minLength: n, maxLength: n })))),
        fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
        (name, columns, isHere) => {
          const xs = columns.map((column) => tensor(column, [column.length], 'float64'))
          const formula = computed(3, formulas[name] as (typeof formulas)[string])
          const known = formula(...(xs as [Tensor, Tensor, Tensor]))
          for (const backend of backends)
            expectSameBits(
              backend.scope(() => {
                // x + 0 of each, in the arena: it has the bits of x, but for the sign of a zero, which the loops see too.
                const there = xs.map((x, i) =>
                  isHere[i] ? x : computed(2, (a) => a)(x, backend.rowDots(...zeroRows(x))),
                )
                return formula(...(there as [Tensor, Tensor, Tensor]))
              }),
              known,
            )
        },
      ),
    )
  })

  it('are of tensors of one shape', () => {
    const add = computed(2, (a, b) => plus(a, b))
    expect(() => add(tensor([1, 2], [2], 'float64'), tensor([1], [1], 'float64'))).toThrow(
      'numbers of one formula differ in shape: [2], [1]',
    )
  })
})

/** Rows whose inner products lie in an arena. */
const zeroRows = (x: Tensor): readonly [Tensor, Tensor] => {
  const rows = tensor(new Array<number>(x.shape[0] as number).fill(0), [x.shape[0] as number, 1])
  return [rows, rows]
}
