/**
 * Laws of the hand that draws the digits: strokes, their distortion, and ink.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { affineOf, distort, elasticField } from '../../src/data/elastic-distortion.js'
import { blankPage, drawLine } from '../../src/data/ink.js'
import { type Knot, traceStroke } from '../../src/data/strokes.js'
import { key } from '../../src/sampling/key.js'

export const drawingLaws = (): void => {
  describe('the hand behind the digits', () => {
    const coordinate = fc.double({ min: 0, max: 1, noNaN: true })
    const knots = fc.array(
      fc.oneof(fc.tuple(coordinate, coordinate), fc.tuple(coordinate, coordinate, fc.constant('corner' as const))),
      { minLength: 3, maxLength: 8 },
    )

    it('a stroke passes every knot, and a closed one returns', () => {
      fc.assert(
        fc.property(knots, fc.boolean(), fc.integer({ min: 1, max: 6 }), (through: readonly Knot[], closed, pieces) => {
          const line = traceStroke({ knots: through, closed }, pieces, ([x, y]) => [x, y])
          through.forEach(([x, y], index) => {
            expect([line[2 * pieces * index], line[2 * pieces * index + 1]]).toEqual([x, y])
          })
          if (closed) expect(Array.from(line.slice(-2))).toEqual(Array.from(line.slice(0, 2)))
        }),
      )
    })

    it('a field moves no point further than its strength along an axis, and a field of none not at all', () => {
      const points = fc
        .array(coordinate, { minLength: 2, maxLength: 20 })
        .map((p) => Float64Array.from(p.length % 2 ? p.slice(1) : p))
      const affine = affineOf({ center: [14, 14], scale: [18, 20], slant: 0.2, halfTurn: 0.1 })
      fc.assert(
        fc.property(points, fc.integer(), fc.double({ min: 0, max: 5, noNaN: true }), (line, seed, strength) => {
          const still = distort(affine, elasticField({ extent: 28, strength: 0 })(key(seed)), line)
          const moved = distort(affine, elasticField({ extent: 28, strength })(key(seed)), line)
          for (let i = 0; i < line.length; i += 2) {
            const [u, v] = [line[i]!, line[i + 1]!]
            expect(still[i]).toBeCloseTo(affine.x[0] * u + affine.x[1] * v + affine.x[2], 12)
            expect(still[i + 1]).toBeCloseTo(affine.y[0] * u + affine.y[1] * v + affine.y[2], 12)
          }
          moved.forEach((value, i) => {
            expect(Math.abs(value - still[i]!)).toBeLessThanOrEqual(strength + 1e-12)
          })
        }),
      )
    })

    it('a pose keeps the middle in the middle and multiplies areas by both scales', () => {
      const scale = fc.double({ min: 1, max: 30, noNaN: true })
      const angle = fc.double({ min: -0.5, max: 0.5, noNaN: true })
      fc.assert(
        fc.property(scale, scale, angle, angle, (width, height, slant, halfTurn) => {
          const { x, y } = affineOf({ center: [12, 15], scale: [width, height], slant, halfTurn })
          expect((x[0] + x[1]) / 2 + x[2]).toBeCloseTo(12, 10)
          expect((y[0] + y[1]) / 2 + y[2]).toBeCloseTo(15, 10)
          expect((x[0] * y[1] - x[1] * y[0]) / (width * height)).toBeCloseTo(1, 10)
        }),
      )
    })

    it('ink only darkens, twice as once, and never beyond black; lines may leave the page', () => {
      const line = fc.array(fc.double({ min: -10, max: 40, noNaN: true }), { minLength: 4, maxLength: 12 })
      const pen = fc.record({
        radius: fc.tuple(fc.double({ min: 0.1, max: 3, noNaN: true }), fc.double({ min: 0.1, max: 3, noNaN: true })),
        softness: fc.double({ min: 0.1, max: 3, noNaN: true }),
      })
      const even = line.map((p) => Float64Array.from(p.length % 2 ? p.slice(1) : p))
      fc.assert(
        fc.property(even, even, pen, (first, second, tool) => {
          const page = blankPage(28)
          drawLine(page, tool, first)
          const before = Float32Array.from(page.coverage)
          drawLine(page, tool, first)
          expect(page.coverage).toEqual(before)
          drawLine(page, tool, second)
          expect(page.coverage.every((value, i) => value >= before[i]! && value <= 1)).toBe(true)
          const fresh = blankPage(28)
          drawLine(fresh, tool, second)
          expect(page.coverage.every((value, i) => value === Math.max(before[i]!, fresh.coverage[i]!))).toBe(true)
        }),
      )
    })
  })
}
