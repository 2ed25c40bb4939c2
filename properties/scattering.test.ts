/**
 * The scattering transform: its definition, the answers of Kymatio, the laws of layers, and what makes it worth having.
 */
import { readFileSync } from 'node:fs'
import fc, { type Arbitrary } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scattering2d } from '../src/grad/index.js'
import { coarserAxis, lowPassSpectrum, morletSpectrum } from '../src/grad/layers/scattering/spectrum.js'
import { key } from '../src/sampling/index.js'
import { defaultBackend } from '../src/tensor/backend/default.js'
import { reference } from '../src/tensor/backend/reference.js'
import { type Tensor, tensor, toArray } from '../src/tensor/tensor.js'
import { emptyTree } from '../src/tensor/tree.js'
import { take } from '../src/tensor/view.js'
import type { LayerCase } from './arbitraries/layer.js'
import { noise } from './arbitraries/tensor.js'
import { expectEqual, expectNear } from './laws/closeness.js'
import { layerLaws } from './laws/layer.js'
import { mirrored, scatteringByDefinition } from './laws/scattering-definition.js'

const between = (min: number, max: number): Arbitrary<number> => fc.integer({ min, max })

/** Small images, one plane or two, and few filters. */
const cases: Arbitrary<LayerCase> = fc
  .record({ planes: between(1, 2), scales: between(1, 2), room: fc.tuple(fc.nat(2), fc.nat(1)), angles: between(1, 2) })
  .map(({ planes, scales, room, angles }) => {
    const [height, width] = room.map((extent) => extent + 2 * scales + 1) as [number, number]
    return {
      rule: scattering2d({ scales, angles }),
      input: [planes, height, width],
      misfits: [[planes, height], [planes, 2, width], [planes, height, 2 * scales], [1, planes, height, width], []],
    }
  })

describe('layers', () => {
  layerLaws('scattering2d', cases)
})

/** See golden/scattering.py. */
interface Answer {
  readonly rows: number
  readonly columns: number
  readonly scales: number
  readonly angles: number
  readonly step: number
  readonly shape: readonly [number, number, number]
  readonly coefficients: readonly number[]
  readonly lastWavelet: readonly number[]
  readonly lowPass: readonly (readonly number[])[]
}

const forward = (x: Tensor, backend = reference, options = {}): Tensor =>
  backend.scope(() => scattering2d(options).forward(backend, emptyTree, x)[0])

describe('scattering', () => {
  it.each([
    { height: 5, width: 7, scales: 2, angles: 8 },
    { height: 9, width: 6, scales: 2, angles: 3 },
    { height: 4, width: 3, scales: 1, angles: 4 },
    { height: 9, width: 9, scales: 3, angles: 2 },
  ])('is its definition, convolution by convolution: %j', (options) => {
    const { height, width } = options
    const x = noise([1, 1, height, width], { seed: height, dtype: 'float64' })
    const expected = scatteringByDefinition(toArray(x), options)
    const y = forward(x, reference, options)
    expect(y.shape).toEqual([1, ...scattering2d(options).init(key(0), [1, height, width]).output])
    expectNear(1e-12)(y, tensor(expected, y.shape, 'float64'))
    expectNear(1e-6)(forward(x, defaultBackend(), options), y)
  })

  const known: readonly Answer[] = JSON.parse(
    readFileSync(new URL('golden/scattering.json', import.meta.url), 'utf8'),
  ).cases
  const picture = (rows: number, columns: number): Tensor =>
    tensor(
      Array.from({ length: rows * columns }, (_, at) => {
        const [r, c] = [Math.floor(at / columns), at % columns]
        return ((7 * r * r + 11 * c + 13 * r * c) % 29) / 29
      }),
      [1, 1, rows, columns],
      'float64',
    )
  const every = (step: number, values: readonly number[]): readonly number[] => values.filter((_, i) => i % step === 0)
  const worst = (found: readonly number[], wanted: readonly number[]): number => {
    expect(found.length).toBe(wanted.length)
    return Math.max(...found.map((value, i) => Math.abs(value - (wanted[i] as number))))
  }

  it.each(known)('agrees with Kymatio: $rows × $columns, J = $scales, L = $angles', (answer) => {
    const { rows, columns, scales, angles, step, shape, coefficients, lastWavelet, lowPass } = answer
    const small = rows < 28 ? [{ backend: reference, error: 1e-14 }] : []
    for (const { backend, error } of [{ backend: defaultBackend(), error: 2e-7 }, ...small]) {
      const y = forward(picture(rows, columns), backend, { scales, angles })
      expect(y.shape).toEqual([1, ...shape])
      expect(worst(every(step, toArray(y)), coefficients)).toBeLessThan(error)
    }
    const padded = { rows: 2 ** scales * (shape[1] + 2), columns: 2 ** scales * (shape[2] + 2) }
    const last = morletSpectrum({ ...padded, scale: scales - 1, angle: angles - 1, angles })
    expect(worst(every(37, Array.from(last.values)), lastWavelet)).toBeLessThan(1e-14)
    for (const [resolution, level] of lowPass.entries()) {
      const [down, across] = [padded.rows, padded.columns].map((extent) =>
        coarserAxis(lowPassSpectrum(extent, scales), resolution),
      ) as [Float64Array, Float64Array]
      const product = Array.from(down).flatMap((a) => Array.from(across, (b) => a * b))
      expect(worst(every(19, product), level)).toBeLessThan(1e-14)
    }
  })

  it('a picture that moves by 2ᴶ pixels moves its coefficients by one, up to rounding', () => {
    const blob = (top: number, left: number): Tensor =>
      tensor(
        Array.from({ length: 784 }, (_, at) => {
          const [r, c] = [Math.floor(at / 28) - top, (at % 28) - left]
          return r >= 0 && r < 9 && c >= 0 && c < 9 ? ((r * 5 + c * 3) % 7) / 7 : 0
        }),
        [1, 1, 28, 28],
      )
    const [here, there] = [blob(8, 9), blob(12, 5)].map((x) => toArray(forward(x, defaultBackend()))) as [
      number[],
      number[],
    ]
    const moved = here.flatMap((value, at) => {
      const [row, column] = [Math.floor(at / 7) % 7, at % 7]
      return row < 6 && column > 0 ? [value - (there[at + 7 - 1] as number)] : []
    })
    expect(Math.max(...moved.map(Math.abs))).toBeLessThan(2e-7)
    expect(Math.max(...here.map((value, at) => Math.abs(value - (there[at] as number))))).toBeGreaterThan(0.1)
  })

  it('no frequency is amplified: Σ|ψ̂|² and |φ̂|² add up to at most (π / 3.1415)², and so distances do not grow', () => {
    const [extent, scales, angles] = [12, 2, 8]
    const low = lowPassSpectrum(extent, scales)
    const wavelets = Array.from({ length: scales * angles }, (_, index) =>
      morletSpectrum({
        ...{ rows: extent, columns: extent, angles },
        ...{ scale: Math.floor(index / angles), angle: index % angles },
      }),
    )
    // biome-ignore lint/suspicious/noApproximativeNumericConstant: the definition has this number.
    const bound = (Math.PI / 3.1415) ** 2
    const sums = Array.from({ length: extent * extent }, (_, at) => {
      const [k, l] = [Math.floor(at / extent), at % extent]
      const opposite = ((extent - k) % extent) * extent + ((extent - l) % extent)
      return wavelets.reduce(
        (sum, { values }) => sum + ((values[at] as number) ** 2 + (values[opposite] as number) ** 2) / 2,
        ((low[k] as number) * (low[l] as number)) ** 2,
      )
    })
    expect(Math.max(...sums)).toBeLessThan(bound * (1 + 1e-12))
    expect(Math.min(...sums)).toBeGreaterThan(0)
    const image = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 42, maxLength: 42 })
    const norm = (values: readonly number[]): number => Math.hypot(...values)
    fc.assert(
      fc.property(image, image, (a, b) => {
        const y = toArray(forward(tensor([...a, ...b], [2, 1, 6, 7], 'float64'), defaultBackend()))
        const distance = norm(y.slice(y.length / 2).map((value, i) => value - (y[i] as number)))
        const [p, q] = [mirrored(a, 6, 7, 2), mirrored(b, 6, 7, 2)]
        expect(distance).toBeLessThanOrEqual(
          bound ** 1.5 * norm(p.re.map((value, i) => value - (q.re[i] as number))) + 1e-6,
        )
      }),
      { numRuns: 20 },
    )
  })

  it('a constant image has its constant for S₀ and nothing else', () => {
    const y = toArray(forward(tensor(new Array(36).fill(0.7), [1, 1, 6, 6], 'float64')))
    // biome-ignore lint/suspicious/noApproximativeNumericConstant: the definition has this number.
    expect(y[0]).toBeCloseTo((0.7 * Math.PI) / 3.1415, 12)
    expect(Math.max(...y.slice(1).map(Math.abs))).toBeLessThan(1e-14)
  })

  it('on the wasm backend too, samples do not see each other, and planes are transformed one by one', () => {
    const x = noise([5, 3, 9, 8])
    const y = forward(x, defaultBackend())
    const rows = take([3, 1])
    expectEqual(forward(rows(x), defaultBackend()), rows(y))
    const planes = forward(tensor(toArray(x), [15, 1, 9, 8]), defaultBackend())
    expect(toArray(y)).toEqual(toArray(planes))
  })

  it.each([{ scales: 0 }, { scales: 1.5 }, { angles: Number.NaN }])('refuses %j', (options) => {
    expect(() => scattering2d(options)).toThrow(/scattering2d: (scales|angles) is (0|1.5|NaN): .* whole number/)
  })
})
