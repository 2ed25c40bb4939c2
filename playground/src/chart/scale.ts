/**
 * Number lines: from values to pixels, and the values that are marked.
 */
export interface Scale {
  readonly kind: 'linear' | 'log'
  readonly domain: readonly [least: number, most: number]
  readonly range: readonly [from: number, to: number]
}

/** A value that is marked, with its text; a mark without text is a line only, and 10^-5 is to be raised. */
export interface Tick {
  readonly value: number
  readonly text: string
}

/** Where a value lies, beyond the range where it is beyond the domain; a logarithm is taken of nothing below 1e-300. */
export const place = ({ kind, domain: [least, most], range: [from, to] }: Scale, value: number): number => {
  const share =
    kind === 'log'
      ? Math.log(Math.max(1e-300, value) / least) / Math.log(most / least)
      : (value - least) / (most - least)
  return from + Math.min(10, Math.max(-10, share)) * (to - from)
}

/** The value at a place. */
export const valueUnder = ({ kind, domain: [least, most], range: [from, to] }: Scale, at: number): number => {
  const share = (at - from) / (to - from)
  return kind === 'log' ? least * (most / least) ** share : least + share * (most - least)
}

/** 1, 2 or 5 times a power of ten, at least so large. */
const niceStep = (least: number): number => {
  const power = 10 ** Math.floor(Math.log10(least))
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= least * (1 - 1e-9)) ?? 10)
}

const plain = (value: number): string => {
  const size = Math.abs(value)
  if (size >= 1e5 || (size < 1e-3 && size > 0)) return Number(value.toPrecision(6)).toExponential().replace('e+', 'e')
  return size >= 10_000 ? value.toLocaleString('en') : String(Number(value.toPrecision(6)))
}

const powerText = (value: number): string => {
  const power = Math.round(Math.log10(value))
  if (power >= -2 && power <= 3) return plain(value)
  if (power === 4) return '10,000'
  return `10^${power}`
}

const logTicks = ([least, most]: Scale['domain'], count: number): readonly Tick[] => {
  const decades = Math.log10(most / least)
  const [first, last] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))]
  const inside = (value: number): boolean => value >= least * (1 - 1e-9) && value <= most * (1 + 1e-9)
  const powers = Array.from({ length: last - first + 1 }, (_, k) => 10 ** (first + k))
  if (decades < 2.2)
    return powers
      .flatMap((power) => [1, 2, 5].map((factor) => Number((factor * power).toPrecision(3))))
      .filter(inside)
      .map((value) => ({ value, text: plain(value) }))
  const every = Math.max(1, Math.ceil(decades / count))
  // Lines without words between those that have some, as long as there is room for them.
  const isMarked = (value: number): boolean => Math.round(Math.log10(value)) % every === 0
  const marked = powers.filter((value) => inside(value) && (every <= 4 || isMarked(value)))
  return marked.map((value) => ({
    value,
    text: isMarked(value) ? powerText(value) : '',
  }))
}

const linearTicks = ([least, most]: Scale['domain'], count: number): readonly Tick[] => {
  const step = niceStep((most - least) / count)
  const first = Math.ceil(least / step - 1e-9)
  const last = Math.floor(most / step + 1e-9)
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, k) => {
    const value = (first + k) * step
    return { value, text: plain(value) }
  })
}

/** About so many marks. */
export const ticksOf = ({ kind, domain }: Scale, count: number): readonly Tick[] =>
  kind === 'log' ? logTicks(domain, count) : linearTicks(domain, count)
