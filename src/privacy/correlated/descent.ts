/**
 * Minima of smooth functions of a few variables, from their gradients.
 */

/** A value and its gradient. */
export interface Sloped {
  readonly value: number
  readonly gradient: readonly number[]
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, i) => sum + x * (b[i] as number), 0)

/** x + scale · y. */
const plus = (x: readonly number[], scale: number, y: readonly number[]): readonly number[] =>
  x.map((value, i) => value + scale * (y[i] as number))

/** The update of an inverse Hessian by a step s and the change of gradient y, sᵀy > 0. */
const updated = (
  h: readonly (readonly number[])[],
  s: readonly number[],
  y: readonly number[],
): readonly (readonly number[])[] => {
  const curvature = dot(s, y)
  const hy = h.map((row) => dot(row, y))
  const scale = (1 + dot(y, hy) / curvature) / curvature
  return h.map((row, i) =>
    row.map((value, j) => {
      const [si, sj] = [s[i] as number, s[j] as number]
      return value + scale * si * sj - ((hy[i] as number) * sj + si * (hy[j] as number)) / curvature
    }),
  )
}

/**
 * A local minimum by BFGS with halved steps; where f is NaN or infinite, the step is too long.
 *
 * Cost       one or two gradients an iteration, `most` iterations, and the square of the number of variables
 * Guarantee  the value never rises; it ends where a step gains less than `tolerance` relative
 * Reference  Nocedal & Wright 2006, Numerical Optimization, Algorithm 6.1
 *
 * @example
 * descend(([x = 0]) => ({ value: (x - 3) ** 2, gradient: [2 * (x - 3)] }), [0], {}).map(Math.round) // => [3]
 */
export const descend = (
  f: (x: readonly number[]) => Sloped,
  start: readonly number[],
  { most = 300, tolerance = 1e-13 }: { readonly most?: number; readonly tolerance?: number },
): readonly number[] => {
  const identity = start.map((_, i) => start.map((_, j) => Number(i === j)))
  let inverse: readonly (readonly number[])[] = identity
  let x = start
  let here = f(x)
  for (let iteration = 0; iteration < most; iteration++) {
    let direction = inverse.map((row) => -dot(row, here.gradient))
    if (!(dot(direction, here.gradient) < 0)) {
      inverse = identity
      direction = here.gradient.map((g) => -g)
    }
    const slope = dot(direction, here.gradient)
    if (!(slope < 0)) return x
    let length = Math.min(1, 1 / Math.sqrt(dot(direction, direction)))
    if (iteration > 0) length = 1
    let next = f(plus(x, length, direction))
    while (!(next.value <= here.value + 1e-4 * length * slope) && length > 1e-20) {
      length /= 2
      next = f(plus(x, length, direction))
    }
    if (!(next.value < here.value)) return x
    const step = direction.map((d) => length * d)
    const change = plus(next.gradient, -1, here.gradient)
    if (dot(step, change) > 0) inverse = updated(inverse, step, change)
    const gain = here.value - next.value
    x = plus(x, 1, step)
    here = next
    if (gain <= tolerance * Math.abs(here.value)) return x
  }
  return x
}
