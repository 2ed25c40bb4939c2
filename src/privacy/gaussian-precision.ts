/**
 * The precision 1/σ² of Gaussians: what adds up when several are released on one batch.
 */
import type { PrivacyEvent } from './event/event.js'

/** Is σ a noise multiplier whose precision can be told from 0? An infinite one releases nothing, and its precision is 0. */
export const isNoiseMultiplier = (sigma: number): boolean => (sigma >= 0 && sigma <= 1e150) || sigma === Infinity

/** What a noise multiplier must be, as a sentence. */
export const noiseMultiplierRequirement = 'a noise multiplier must be in [0, 1e150], or infinite'

/**
 * Σ σᵢ⁻² of an event that consists of Gaussians only, all on one batch: they are one Gaussian of noise multiplier
 * (Σ σᵢ⁻²)^(−½), and stay so under a sample that they share. Undefined for any other event.
 */
export const precisionOf = (event: PrivacyEvent): number | undefined => {
  switch (event._tag) {
    case 'NoOp':
      return 0
    case 'Gaussian':
      return isNoiseMultiplier(event.noiseMultiplier) ? event.noiseMultiplier ** -2 : undefined
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
