/**
 * The checks of hyperparameters: a RangeError names the parameter, its value and what is allowed.
 */

/** A finite number ≥ 0. */
export const checkNonNegative = (name: string, value: number): number => {
  if (!(value >= 0 && value < Number.POSITIVE_INFINITY))
    throw new RangeError(`${name} is ${value}: it must be a finite number >= 0`)
  return value
}

/** A number in [0, 1). */
export const checkBelowOne = (name: string, value: number): number => {
  if (!(value >= 0 && value < 1)) throw new RangeError(`${name} is ${value}: it must be in [0, 1)`)
  return value
}

/** An integer ≥ 1. */
export const checkPositiveInteger = (name: string, value: number): number => {
  if (!(Number.isSafeInteger(value) && value >= 1))
    throw new RangeError(`${name} is ${value}: it must be an integer >= 1`)
  return value
}
