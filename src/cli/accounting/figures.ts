/**
 * Numbers as people read them; bounds are rounded outwards.
 */
import type { Bounds } from '../../privacy/index.js'
import { rounded } from '../../report/rounded.js'

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
