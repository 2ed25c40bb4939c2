/**
 * The failure of a number (or a field) that lies outside of its domain, as a value that a caller can act on.
 */

/** A parameter outside of its domain. */
export interface InvalidParameter {
  readonly _tag: 'InvalidParameter'
  /** Which one, as a path where it is nested: `events[1].noiseMultiplier`. */
  readonly parameter: string
  /** What was given. */
  readonly value: unknown
  /** What would be allowed, as the end of a sentence that begins "must be". */
  readonly requirement: string
}

/**
 * A failure that names the parameter, its value, and what is allowed.
 *
 * @example
 * invalidParameter('delta', 2, 'in (0, 1)')._tag // => 'InvalidParameter'
 */
export const invalidParameter = (parameter: string, value: unknown, requirement: string): InvalidParameter => ({
  _tag: 'InvalidParameter',
  parameter,
  value,
  requirement,
})

const showValue = (value: unknown): string =>
  typeof value === 'string' ? `'${value}'` : typeof value === 'object' && value !== null ? 'an object' : String(value)

/**
 * The failure as one sentence.
 *
 * @example
 * showInvalidParameter(invalidParameter('delta', 2, 'in (0, 1)')) // => 'delta must be in (0, 1), not 2'
 */
export const showInvalidParameter = ({ parameter, value, requirement }: InvalidParameter): string =>
  `${parameter} must be ${requirement}, not ${showValue(value)}`
