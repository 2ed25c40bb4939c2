// Placeholder until the special functions arrive.
export const erfc = (x: number): number => {
  let s = 0,
    t = x
  for (let k = 0; k < 200; k++) {
    s += t / (2 * k + 1)
    t *= (-x * x) / (k + 1)
  }
  return 1 - (2 / Math.sqrt(Math.PI)) * s
}
