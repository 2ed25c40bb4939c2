/**
 * Moments next to 1 without cancellation: where E[y] = 1, E[y^a] − 1 = E[y^a − 1 − a(y − 1)], whose every value is ≥ 0 for a ≥ 1
 * and a ≤ 0.
 *
 * Legend: u = y − 1, c = α − 1 the excess of the order; the power a is α = 1 + c, or −c.
 */

/** expm1(c·x) / c, and its limit x at c = 0. */
export const expm1Over = (excess: number, x: number): number => (excess === 0 ? x : Math.expm1(excess * x) / excess)

/** log(1 + c·s)/c and its limit s. */
export const log1pOver = (excess: number, s: number): number => (excess === 0 ? s : Math.log1p(excess * s) / excess)

/** (y^a − 1 − au)/c by the binomial series Σ_{j≥2} C(a, j) u^j / c, whose first coefficient is α/2 for both powers; for α|u| ≤ 0.05. */
export const remainderSeries = (u: number, power: number, excess: number): number => {
  let term = 0.5 * (1 + excess) * u * u
  let sum = term
  for (let j = 2; j < 40; j++) {
    // At excess 0 and power 1 the factor runs through (1 − j) / (j + 1): the series of y log y − u.
    term *= ((power - j) / (j + 1)) * u
    sum += term
    if (Math.abs(term) <= 1e-18 * sum) break
  }
  return sum
}

/** (y^α − 1 − αu)/c, from u and log y: next to −1, u has lost what log y still knows. */
export const remainder = (u: number, logY: number, excess: number): number =>
  Math.abs(u) * (1 + excess) <= 0.05
    ? remainderSeries(u, 1 + excess, excess)
    : Math.exp(logY) * expm1Over(excess, logY) - u

/** (y^(−c) − 1 + cu)/c, of the opposite direction. */
export const inverseRemainder = (u: number, logY: number, excess: number): number =>
  Math.abs(u) * (1 + excess) <= 0.05 ? remainderSeries(u, -excess, excess) : expm1Over(excess, -logY) + u
