import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { descend } from '../src/privacy/correlated/descent.js'
import { optimalBanded, optimalBuffered, strategyLoss } from '../src/privacy/correlated/optimise.js'
import { epochsInOrder, singleParticipation } from '../src/privacy/correlated/participation.js'
import { sensitivitySquared } from '../src/privacy/correlated/sensitivity.js'
import { bufferedToeplitz, independentNoise, squareRootToeplitz, toeplitz } from '../src/privacy/correlated/strategy.js'

describe('descent', () => {
  it('finds the minimum of a quadratic form in a few variables', () => {
    const number = fc.double({ min: -3, max: 3, noNaN: true })
    fc.assert(
      fc.property(fc.array(number, { minLength: 1, maxLength: 6 }), (target) => {
        // Σ (i + 1)(xᵢ − aᵢ)² + (Σ (xᵢ − aᵢ))²
        const found = descend(
          (x) => {
            const off = x.map((value, i) => value - (target[i] as number))
            const sum = off.reduce((a, b) => a + b, 0)
            return {
              value: off.reduce((total, o, i) => total + (i + 1) * o * o, sum * sum),
              gradient: off.map((o, i) => 2 * (i + 1) * o + 2 * sum),
            }
          },
          target.map(() => 10),
          {},
        )
        found.forEach((x, i) => {
          expect(x).toBeCloseTo(target[i] as number, 5)
        })
      }),
    )
  })

  it('stays where steps leave the domain', () => {
    const [x] = descend(
      ([y = 0]) => ({ value: y > 0 ? y - Math.log(y) : Number.NaN, gradient: [1 - 1 / y] }),
      [0.01],
      {},
    )
    expect(x).toBeCloseTo(1, 5)
  })
})

describe('optimal banded strategies', () => {
  const tasks = [
    { task: { steps: 120, participation: singleParticipation }, bands: 10 },
    { task: { steps: 120, participation: epochsInOrder({ stepsPerEpoch: 40, epochs: 3 }) }, bands: 10 },
    { task: { steps: 100, participation: { minSeparation: 16 } }, bands: 16 },
  ]

  it.each(tasks)('no worse than the square root, and no neighbour is better: %j', ({ task, bands }) => {
    const best = optimalBanded(task, bands)
    const loss = strategyLoss(task)
    expect(best.coefficients).toHaveLength(bands)
    expect(loss(best)).toBeLessThan(loss(squareRootToeplitz(bands)))
    expect(loss(best)).toBeLessThan(loss(independentNoise))
    for (let k = 1; k < bands; k++)
      for (const by of [1e-3, -1e-3]) {
        const moved = toeplitz(best.coefficients.map((c, i) => (i === k ? c + by : c)))
        expect(loss(moved)).toBeGreaterThanOrEqual(loss(best) * (1 - 1e-9))
      }
    expect(sensitivitySquared(task)(best).exact).toBe(true)
  })

  it('with all bands and one participation the square root is stationary', () => {
    const task = { steps: 40, participation: singleParticipation }
    optimalBanded(task, 40).coefficients.forEach((c, k) => {
      expect(c).toBeCloseTo(squareRootToeplitz(40).coefficients[k] as number, 6)
    })
  })

  it('more bands than may stand beside each other are refused', () => {
    expect(() => optimalBanded({ steps: 10, participation: { minSeparation: 3 } }, 4)).toThrow(/bands is 4/)
  })
})

describe('optimal buffered strategies', () => {
  it('a few buffers come near the square root; more are no worse', () => {
    const task = { steps: 1000, participation: singleParticipation }
    const loss = strategyLoss(task)
    const best = loss(squareRootToeplitz(1000))
    const [one, two, three] = [1, 2, 3].map((buffers) => loss(optimalBuffered(task, buffers))) as [
      number,
      number,
      number,
    ]
    expect(one).toBeLessThan(1.5 * best)
    expect(two).toBeLessThan(1.05 * best)
    expect(three).toBeLessThan(1.01 * best)
    // The parameters of the golden records, which were made for another aim.
    for (const [bufferDecays, outputScales, ours] of [
      [[0.9877027559462715], [0.10595704738115597], one],
      [[0.993433070819512, 0.6342644247427973], [0.07538320617916519, 0.5144060910151949], two],
    ] as const)
      expect(ours).toBeLessThan(loss(bufferedToeplitz({ bufferDecays, outputScales })))
  })

  it('several participations: the sensitivity is exact, and the strategy is made for them', () => {
    const task = { steps: 400, participation: { minSeparation: 100, maxParticipations: 4 } }
    const [made, single] = [
      optimalBuffered(task, 2),
      optimalBuffered({ steps: 400, participation: singleParticipation }, 2),
    ]
    expect(sensitivitySquared(task)(made).exact).toBe(true)
    expect(strategyLoss(task)(made)).toBeLessThan(strategyLoss(task)(single))
  })

  it('there is at least one buffer', () => {
    expect(() => optimalBuffered({ steps: 10, participation: singleParticipation }, 0)).toThrow(RangeError)
  })
})
