/**
 * Rényi divergence in arbitrary precision: the slow twin of `sampled-gaussian.ts`.
 *
 * Loads mathjs on demand, and only here; a program that never asks for it need not install it.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type InvalidParameter, invalidParameter } from '../invalid-parameter.js'
import type { SampledGaussianParameters } from './sampled-gaussian.js'

/** mathjs is not installed. */
export interface MathjsMissing {
  readonly _tag: 'MathjsMissing'
}

/** A number in arbitrary precision: its nearest float64, and its decimal digits. */
export interface ExactNumber {
  readonly value: number
  readonly digits: string
}

/**
 * Rényi divergence of the Poisson-sampled Gaussian at an integer order ≥ 2, in `digits` significant digits.
 *
 *   A(α) = Σₖ C(α, k) (1−q)^(α−k) q^k e^(k(k−1)/(2σ²)),   rdp = log A / (α − 1)
 *
 * σ and q are taken as the float64 numbers that they are. The working precision grows by what A − 1 ≥ q² C(α,2)/σ² can cancel.
 *
 * Cost       O(α) operations on numbers of that many digits: milliseconds for α ≤ 100
 * Errors     InvalidParameter; MathjsMissing where the package is not installed
 * References Mironov, Talwar & Zhang 2019, arXiv:1908.10530, section 3.3
 *
 * @example
 * exactRdp({ noiseMultiplier: 2, samplingProbability: 1 }, 30)(8) // a Task of E.right({ value: 1, digits: '1' })
 */
export const exactRdp =
  ({ noiseMultiplier, samplingProbability }: SampledGaussianParameters, digits = 50) =>
  (order: number): TaskEither<InvalidParameter | MathjsMissing, ExactNumber> =>
  async () => {
    if (!(noiseMultiplier > 0 && noiseMultiplier < Infinity))
      return E.left(invalidParameter('noiseMultiplier', noiseMultiplier, 'a finite number > 0'))
    if (!(samplingProbability >= 0 && samplingProbability <= 1))
      return E.left(invalidParameter('samplingProbability', samplingProbability, 'in [0, 1]'))
    if (!(Number.isSafeInteger(order) && order >= 2)) return E.left(invalidParameter('order', order, 'an integer ≥ 2'))
    if (!(Number.isSafeInteger(digits) && digits > 0 && digits <= 10_000))
      return E.left(invalidParameter('digits', digits, 'an integer in [1, 10000]'))
    if (samplingProbability === 0) return E.right({ value: 0, digits: '0' })
    const cancelled = Math.log10(1 + (noiseMultiplier / samplingProbability) ** 2)
    try {
      const { all, create } = await import('mathjs')
      const math = create(all ?? {}, { number: 'BigNumber', precision: digits + Math.ceil(cancelled) + 12 })
      const big = (x: number) => math.bignumber(x)
      const q = big(samplingProbability)
      const p = big(1).minus(q)
      const scale = big(noiseMultiplier).pow(2).times(2)
      let choose = big(1)
      let moment = big(0)
      for (let k = 0; k <= order; k++) {
        const tilt = math.exp(big(k * (k - 1)).div(scale))
        moment = moment.plus(
          choose
            .times(p.pow(order - k))
            .times(q.pow(k))
            .times(tilt),
        )
        choose = choose.times(order - k).div(k + 1)
      }
      const rdp = math.log(moment).div(order - 1)
      return E.right({ value: Number(rdp.toString()), digits: rdp.toSignificantDigits(digits).toString() })
    } catch (error) {
      if ((error as { readonly code?: unknown }).code === 'ERR_MODULE_NOT_FOUND')
        return E.left({ _tag: 'MathjsMissing' })
      throw error
    }
  }
