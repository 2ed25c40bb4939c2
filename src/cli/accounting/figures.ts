/**
 * Numbers as people read them; bounds are rounded outwards.
 */
import type { Bounds } from '../../privacy/index.js'
import { figure, rounded } from '../../report/rounded.js'

export { figure }

/** Six digits; a lower end down, an upper end up. */
export const lowerFigure = (x: number): string => figure(Number(rounded(x, 'down')))
export const upperFigure = (x: number): string => figure(Number(rounded(x, 'up')))
export const nearFigure = (x: number): string => figure(Number(rounded(x, 'nearest')))

/** Lower, estimate and upper. */
export const boundFigures = ({ lower, estimate, upper }: Bounds): readonly [string, string, string] => [
  lowerFigure(lower),
  nearFigure(estimate),
  upperFigure(upper),
]

export const milliseconds = (ms: number): string => (ms < 1 ? '< 1 ms' : `${Math.round(ms)} ms`)
