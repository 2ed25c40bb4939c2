import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BoundedSum, Event, gaussian, meanOver } from '../src/privacy/index.js'
import { chachaKey, foldIn, type Key, key } from '../src/sampling/index.js'
import { flatten, full, leaves, type Tensor, tensor, toArray, zeros } from '../src/tensor/index.js'

const bounded = <P extends { readonly [name: string]: Tensor }>(sum: P, l2Bound: number): BoundedSum<P> => ({
  _tag: 'BoundedSum',
  sum,
  l2Bound,
})

const secret: Key = chachaKey([9, 8, 7, 6, 5, 4, 3, 2])

describe('gaussian', () => {
  it.each([key(0), secret])('adds independent normal noise of standard deviation σC (%o)', (source) => {
    const count = 40_000
    const sum = bounded({ a: zeros([count], 'float64'), b: zeros([count], 'float64') }, 2.5)
    const { a, b } = gaussian(0.6)(source)(sum).value
    const [x, y] = [toArray(a), toArray(b)]
    const second = (u: readonly number[], v: readonly number[]) =>
      u.reduce((total, value, i) => total + value * (v[i] as number), 0) / count / 1.5 ** 2
    // Six standard errors of a mean square (√(2/n)) and of a correlation (√(1/n)): 2e-9 each.
    expect(Math.abs(second(x, x) - 1)).toBeLessThan(6 * Math.sqrt(2 / count))
    expect(Math.abs(second(y, y) - 1)).toBeLessThan(6 * Math.sqrt(2 / count))
    expect(Math.abs(second(x, y))).toBeLessThan(6 / Math.sqrt(count))
    expect(Math.abs(second(x.slice(1), y))).toBeLessThan(6 / Math.sqrt(count))
  })

  it('is a function of the key: one key one noise, another key another', () => {
    const sum = bounded({ w: zeros([16]) }, 1)
    const draw = (source: Key): readonly number[] => toArray(gaussian(1)(source)(sum).value.w)
    expect(draw(key(3))).toEqual(draw(key(3)))
    expect(draw(foldIn(1)(key(3)))).not.toEqual(draw(foldIn(2)(key(3))))
  })

  it('the noise does not depend on what it protects', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 20 }), (values) => {
        const shape = [values.length]
        const noise = toArray(gaussian(1)(key(1))(bounded({ w: zeros(shape, 'float64') }, 1)).value.w)
        const noisy = toArray(gaussian(1)(key(1))(bounded({ w: tensor(values, shape, 'float64') }, 1)).value.w)
        noisy.forEach((x, i) => {
          expect(x).toBe((values[i] as number) + (noise[i] as number))
        })
      }),
    )
  })

  it('gives every leaf noise of its own, also where two paths read alike', () => {
    const leaf = zeros([4], 'float64')
    for (const sum of [{ 'a.b': leaf, a: { b: leaf } }, { '': { w: leaf }, w: leaf }, [leaf, { 0: leaf }, leaf]]) {
      const { value } = gaussian(1)(key(5))({ _tag: 'BoundedSum', sum, l2Bound: 1 })
      const noise = leaves(value).map((x) => toArray(x)[0])
      expect(new Set(noise).size).toBe(noise.length)
    }
  })

  it('names its multiplier and its grade in the event', () => {
    const sum = bounded({ w: zeros([1]) }, 4)
    expect(gaussian(1.25)(key(0))(sum).event).toEqual(Event.gaussian(1.25, 'float'))
    expect(gaussian(1.25)(secret)(sum).event).toEqual(Event.gaussian(1.25, 'secure'))
  })

  it('without noise the sum is untouched and the event is not private', () => {
    const sum = bounded({ w: full(3, [2]) }, Number.POSITIVE_INFINITY)
    const { value, event } = gaussian(0)(key(0))(sum)
    expect(toArray(flatten(value))).toEqual([3, 3])
    expect(event).toEqual(Event.nonPrivate)
  })

  it('refuses a multiplier that is none, and a sum without a bound', () => {
    for (const bad of [-1, Number.NaN, Number.POSITIVE_INFINITY]) expect(() => gaussian(bad)).toThrow(RangeError)
    expect(() => gaussian(1)(key(0))(bounded({ w: zeros([1]) }, Number.POSITIVE_INFINITY))).toThrow(/l2Bound/)
  })

  it('takes nothing but a bounded sum', () => {
    // @ts-expect-error a bare gradient carries no sensitivity
    const noisyGradient = () => gaussian(1)(key(0))({ w: zeros([1]) })
    expect(noisyGradient).toThrow()
  })
})

describe('meanOver', () => {
  it('divides the value and leaves the event alone', () => {
    const released = { value: { w: tensor([2, 4], [2]) }, event: Event.gaussian(1) }
    expect(toArray(meanOver(4)(released).value.w)).toEqual([0.5, 1])
    expect(meanOver(4)(released).event).toBe(released.event)
    expect(() => meanOver(0)).toThrow(/expectedBatchSize/)
  })
})
