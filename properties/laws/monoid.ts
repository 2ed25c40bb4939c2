/**
 * The laws of a monoid, for values whose sums are exact.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { Eq } from 'fp-ts/lib/Eq.js'
import type { Monoid } from 'fp-ts/lib/Monoid.js'
import { expect, it } from 'vitest'

/** Some values and the monoid that they belong to, which may depend on them, as the zeros of a tree on its structure. */
export interface MonoidCase<A> {
  readonly monoid: Monoid<A>
  readonly values: readonly [A, A, A]
}

/** Associativity and unit. */
export const monoidLaws = <A>(name: string, cases: Arbitrary<MonoidCase<A>>, { equals }: Eq<A>): void => {
  const law = (what: string, holds: (c: MonoidCase<A>) => boolean) =>
    it(`${name}: ${what}`, () => {
      fc.assert(
        fc.property(cases, (c) => {
          expect(holds(c)).toBe(true)
        }),
      )
    })
  law('(a + b) + c = a + (b + c)', ({ monoid: { concat }, values: [a, b, c] }) =>
    equals(concat(concat(a, b), c), concat(a, concat(b, c))),
  )
  law('0 + a = a', ({ monoid: { concat, empty }, values: [a] }) => equals(concat(empty, a), a))
  law('a + 0 = a', ({ monoid: { concat, empty }, values: [a] }) => equals(concat(a, empty), a))
}

/** a + b = b + a. */
export const commutativeLaws = <A>(name: string, cases: Arbitrary<MonoidCase<A>>, { equals }: Eq<A>): void => {
  it(`${name}: a + b = b + a`, () => {
    fc.assert(
      fc.property(cases, ({ monoid: { concat }, values: [a, b] }) => {
        expect(equals(concat(a, b), concat(b, a))).toBe(true)
      }),
    )
  })
}
