/**
 * The checks of public numbers. A number outside of its range is a defect: a RangeError that names the argument, its
 * value and what is allowed.
 */

/** 0, 1, 2, … up to 2⁵². */
export const checkCount = (name: string, value: number): number => {
  if (!(Number.isInteger(value) && value >= 0 && value <= 2 ** 52))
    throw new RangeError(`${name} is ${value}: it must be an integer in [0, 2^52]`)
  return value
}

/** A probability, 0 and 1 included. */
export const checkProbability = (name: string, value: number): number => {
  if (!(value >= 0 && value <= 1)) throw new RangeError(`${name} is ${value}: it must be in [0, 1]`)
  return value
}
