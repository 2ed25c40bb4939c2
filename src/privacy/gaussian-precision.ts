/**
 * The precision 1/σ² of Gaussians: what adds up when several are released on one batch.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import type { Gaussian, MatrixFactorisation, PrivacyEvent, TreeAggregation } from './event/event.js'

/** Is σ a noise multiplier whose precision can be told from 0? An infinite one releases nothing, and its precision is 0. */
export const isNoiseMultiplier = (sigma: number): boolean => (sigma >= 0 && sigma <= 1e150) || sigma === Infinity

/** What a noise multiplier must be, as a sentence. */
export const noiseMultiplierRequirement = 'a noise multiplier must be in [0, 1e150], or infinite'

/**
 * σ of the one Gaussian mechanism that a release of normal noise is, in units of what one record adds: the noise multiplier
 * divided by the l2 sensitivity in clip bounds. A leaf of a tree of T steps stands in ⌈log₂(T + 1)⌉ of its complete nodes at
 * most, so the sensitivity of all nodes is the root of that. Exact: the vector of all encoded sums with independent noise is
 * one Gaussian mechanism, and what is published from it is post-processing.
 *
 * References  Kairouz et al. 2021, arXiv:2103.00039, App. D · Denisov et al. 2022, arXiv:2202.08312
 */
export const noiseMultiplierOf = (event: Gaussian | TreeAggregation | MatrixFactorisation): Either<string, number> => {
  const per = (sensitivity: number): Either<string, number> => {
    const sigma = sensitivity === 0 ? Infinity : event.noiseMultiplier / sensitivity
    return isNoiseMultiplier(event.noiseMultiplier) && isNoiseMultiplier(sigma)
      ? E.right(sigma)
      : E.left(noiseMultiplierRequirement)
  }
  switch (event._tag) {
    case 'Gaussian':
      return per(1)
    case 'TreeAggregation':
      return Number.isSafeInteger(event.steps) && event.steps > 0
        ? per(Math.sqrt(levelsOf(event.steps)))
        : E.left('a tree has an integer number of steps > 0')
    case 'MatrixFactorisation':
      return event.sensitivity >= 0 ? per(event.sensitivity) : E.left('a sensitivity must be ≥ 0')
  }
}

/** ⌈log₂(T + 1)⌉: how many complete nodes a leaf of a tree of T leaves stands in, at most. */
const levelsOf = (steps: number): number => {
  let levels = 0
  for (let leaves = 1; leaves <= steps; leaves *= 2) levels++
  return levels
}

/**
 * Σ σᵢ⁻² of an event that consists of Gaussians only (trees and factorisations are some), all on one batch: they are one Gaussian of
 * noise multiplier (Σ σᵢ⁻²)^(−½), and stay so under a sample that they share. Undefined for any other event.
 */
export const precisionOf = (event: PrivacyEvent): number | undefined => {
  switch (event._tag) {
    case 'NoOp':
      return 0
    case 'Gaussian':
    case 'TreeAggregation':
    case 'MatrixFactorisation': {
      const sigma = noiseMultiplierOf(event)
      return E.isRight(sigma) ? sigma.right ** -2 : undefined
    }
    case 'SelfComposed': {
      const one = precisionOf(event.event)
      return one !== undefined && Number.isSafeInteger(event.count) && event.count >= 0
        ? event.count === 0
          ? 0
          : event.count * one
        : undefined
    }
    case 'Composed':
      return event.events.reduce<number | undefined>((sum, part) => {
        const next = precisionOf(part)
        return sum === undefined || next === undefined ? undefined : sum + next
      }, 0)
    default:
      return undefined
  }
}
