/**
 * Numbers for people: so many digits, an upper bound never rounded down and a lower bound never up.
 */

export type Towards = 'up' | 'down' | 'nearest'

const rounded = (value: number, digits: number, towards: Towards): number => {
  const near = Number(value.toPrecision(digits))
  const wrong = towards === 'up' ? near < value : towards === 'down' ? near > value : false
  if (!wrong) return near
  const unit = 10 ** (Math.floor(Math.log10(Math.abs(value))) - digits + 1)
  return Number((near + (towards === 'up' ? unit : -unit)).toPrecision(digits))
}

/**
 * A number ≥ 0 in so many significant digits: 2.382, 14,000, 3.2e-7.
 */
export const shown = (value: number, digits = 4, towards: Towards = 'nearest'): string => {
  if (value === Infinity) return '∞'
  if (!Number.isFinite(value)) return '–'
  if (value === 0) return '0'
  const near = rounded(value, digits, towards)
  if (near >= 1e-4 && near < 1e7)
    return near >= 1000 ? near.toLocaleString('en', { maximumSignificantDigits: digits }) : String(near)
  return near.toExponential().replace('e+', 'e')
}

/** A share as per cent. */
export const percent = (share: number): string => (Number.isFinite(share) ? `${Math.round(100 * share)}\u00a0%` : '–')

/** A number as it is typed: 1e-5, 0.004. */
export const typed = (value: number): string =>
  value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e7)
    ? value.toExponential().replace('e+', 'e')
    : String(value)

/** e^ε: how many times as likely. */
export const factorText = (epsilon: number): string =>
  epsilon > 20 ? `e^${shown(epsilon, 3, 'up')}` : shown(Math.exp(epsilon), 4, 'up')

/** How long something took. */
export const durationText = (milliseconds: number): string =>
  milliseconds < 1
    ? 'under 1\u00a0ms'
    : milliseconds < 1000
      ? `${Math.round(milliseconds)}\u00a0ms`
      : `${(milliseconds / 1000).toFixed(1)}\u00a0s`
