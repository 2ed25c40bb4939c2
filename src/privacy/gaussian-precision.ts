/**
 * Several Gaussians on one batch, as one.
 */
import type { PrivacyEvent } from './event.js'

/**
 * Σ σᵢ⁻² of an event that consists of Gaussians only, all on one batch: they are one Gaussian of noise multiplier
 * (Σ σᵢ⁻²)^(−½), and stay so under a sample that they share. Undefined for any other event.
 */
export const precisionOf = (event: PrivacyEvent): number | undefined => {
  switch (event._tag) {
    case 'NoOp':
      return 0
    case 'Gaussian':
      return event.noiseMultiplier >= 0 ? event.noiseMultiplier ** -2 : undefined
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
