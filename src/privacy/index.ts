/**
 * Clipping, noise, and what they cost: bounded sums, released values, events and accountants.
 *
 * @module
 */
export * from './accountant.js'
export * from './calibrate.js'
export * from './clip.js'
export * from './clipped-grad.js'
export * as Event from './event.js'
export { Composition, type NoiseGrade, type PrivacyEvent, showEvent } from './event.js'
export * from './event-json.js'
export * from './exact-rdp.js'
export * from './gdp.js'
export * from './invalid-parameter.js'
export * from './mechanism.js'
export * from './neighbouring.js'
export * from './rdp.js'
export * from './rdp-closed-form.js'
export * from './rdp-conversion.js'
export * from './rdp-curve.js'
export * from './rdp-sampled-gaussian.js'
export * from './rdp-without-replacement.js'
