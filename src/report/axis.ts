/**
 * Number lines of a picture: where they begin and end, and where they are marked.
 */

/** A number line. */
export interface Axis {
  /** With the unit: `epsilon (nats)`. */
  readonly label: string
  /** Linear by default. A logarithmic axis leaves out what is below 1e-300. */
  readonly scale?: 'linear' | 'log'
  /** From the data by default. */
  readonly range?: readonly [least: number, most: number]
}

export type Extent = readonly [least: number, most: number]

/** Nearer to 0 than this, the ticks of an axis overflow; no curve means anything there. */
const LEAST = 1e-300

/** Where a number lies on an axis: NaN, if nowhere. @internal */
export const place = ({ scale }: Axis, value: number): number =>
  !Number.isFinite(value) || (scale === 'log' && value < LEAST) ? Number.NaN : Math.abs(value) < LEAST ? 0 : value

/** @internal */
export const usable = (axis: Axis, value: number): boolean => !Number.isNaN(place(axis, value))

/** The least and the most of some numbers; undefined where there are none. @internal */
export const extentOf = (values: readonly number[]): Extent | undefined => {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const value of values) {
    least = Math.min(least, value)
    most = Math.max(most, value)
  }
  return least <= most ? [least, most] : undefined
}

/** 1e-5, where Plot would write 10µ. @internal */
export const powerOfTen = (value: number): string =>
  value >= 0.001 && value < 10_000 ? `${Number(value.toPrecision(3))}` : value.toExponential(0).replace('+', '')

/** 1, 2, 5, or other parts of a decade, in all decades of an extent. */
const inDecades = ([least, most]: Extent, digits: readonly number[], every = 1): readonly number[] => {
  const first = Math.floor(Math.log10(least) / every) * every
  const found: number[] = []
  for (let power = first; power <= Math.log10(most) + 1; power += every)
    for (const digit of digits) found.push(Number(`${digit}e${power}`))
  return found
}

/** Ends rounded outwards to the ticks next to them, and the ticks between. */
const logarithmic = ([least, most]: Extent): { readonly domain: Extent; readonly ticks: readonly number[] } => {
  const decades = Math.log10(most / least)
  const [digits, every] =
    decades < 1
      ? [[1, 1.5, 2, 3, 4, 5, 6, 8], 1]
      : decades < 3
        ? [[1, 2, 5], 1]
        : ([[1], Math.max(1, Math.ceil(decades / 9))] as const)
  const all = inDecades(least === most ? [least / 2, most * 2] : [least, most], digits)
  // A point on the edge is on it, whatever its last digit.
  const below = all.filter((tick) => tick <= least * (1 + 1e-9)).at(-1) ?? least
  const above = all.find((tick) => tick >= most * (1 - 1e-9)) ?? most
  const domain: Extent = below < above ? [below, above] : [least / 2, most * 2]
  return {
    domain,
    ticks: inDecades([least, most], digits, every).filter((tick) => tick >= domain[0] && tick <= domain[1]),
  }
}

/** Where a linear axis ends: at the last number, or at a round one beyond it. */
type Ends = 'rounded' | 'exact'

/**
 * The options of Plot for an axis: a range that the caller asked for is kept, one that the data give is rounded outwards, or exact.
 *
 * @internal
 */
export const scaleOptions = (
  { scale = 'linear', range }: Axis,
  data: Extent | undefined,
  ends: Ends,
): Readonly<Record<string, unknown>> => {
  if (scale === 'log') {
    const rounded = logarithmic(range ?? data ?? [1, 10])
    const domain = range ?? rounded.domain
    return {
      type: 'log',
      grid: true,
      domain,
      ticks: rounded.ticks.filter((tick) => tick >= domain[0] && tick <= domain[1]),
    }
  }
  const domain = range ?? data
  return {
    type: 'linear',
    grid: true,
    nice: range === undefined && (ends === 'rounded' || (data !== undefined && data[0] === data[1])),
    ...(domain === undefined ? {} : { domain }),
  }
}

/** Where a number stands on an axis of that extent, from 0 to 1. @internal */
export const shareOf = ({ scale }: Axis, [least, most]: Extent, value: number): number =>
  least === most
    ? 0
    : scale === 'log'
      ? Math.log(value / least) / Math.log(most / least)
      : (value - least) / (most - least)
