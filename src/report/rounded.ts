/**
 * Bounds as text: a bound that is rounded stays one.
 */

/**
 * A number as it would be typed: 1e-5, and not 0.00001.
 *
 * @example
 * [figure(1e-5), figure(0.004), figure(60000)] // => ['1e-5', '0.004', '60000']
 */
export const figure = (x: number): string => {
  const plain = String(x)
  const short = Number.isFinite(x) && x !== 0 && Math.abs(x) < 1e-3 ? x.toExponential() : plain
  return (short.length < plain.length ? short : plain).replace('Infinity', '∞')
}

/**
 * Six digits of a number (or as many as asked for), never below it (`up`) or never above it (`down`).
 *
 * @example
 * [rounded(1.00000001, 'up'), rounded(1.00000001, 'down')] // => ['1.00001', '1']
 */
export const rounded = (x: number, towards: 'up' | 'down' | 'nearest', digits = 6): string => {
  const near = Number(x.toPrecision(digits))
  const sign = towards === 'up' ? 1 : towards === 'down' ? -1 : 0
  if (!Number.isFinite(x) || sign * (near - x) >= 0) return String(near)
  const unit = 10 ** (Math.floor(Math.log10(Math.abs(x))) - (digits - 1))
  return String(Number((near + sign * unit).toPrecision(digits)))
}
