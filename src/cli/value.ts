/**
 * Values of arguments: how a text is read, and what is said where it cannot be.
 */

/** What an argument may hold. */
export interface Value<A> {
  /** What is allowed, as the end of a sentence that begins "must be". */
  readonly requirement: string
  /** Undefined where the text is none. */
  readonly read: (text: string) => A | undefined
}

/** A decimal number as people write it: nothing that only JavaScript reads, such as 0x10. */
const decimal = /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/

const numeral = (text: string): number => (decimal.test(text) ? Number(text) : Number.NaN)

/** A number of which something holds. */
export const numberWhere = (requirement: string, holds: (x: number) => boolean): Value<number> => ({
  requirement,
  read: (text) => {
    const value = numeral(text)
    return holds(value) ? value : undefined
  },
})

/**
 * @example
 * positive.read('1e-5') // => 0.00001
 */
export const positive: Value<number> = numberWhere('a number above 0', (x) => x > 0 && Number.isFinite(x))

export const nonNegative: Value<number> = numberWhere('a number of at least 0', (x) => x >= 0 && Number.isFinite(x))

export const finite: Value<number> = numberWhere('a number', Number.isFinite)

export const count: Value<number> = numberWhere(
  'a whole number of at least 1',
  (x) => Number.isSafeInteger(x) && x >= 1,
)

export const wholeNumber: Value<number> = numberWhere('a whole number', Number.isSafeInteger)

/** (0, 1) */
export const inside: Value<number> = numberWhere('a number above 0 and below 1', (x) => x > 0 && x < 1)

/** (0, 1] */
export const probability: Value<number> = numberWhere('a number above 0 and at most 1', (x) => x > 0 && x <= 1)

/** [0, 1) */
export const fraction: Value<number> = numberWhere('a number of at least 0 and below 1', (x) => x >= 0 && x < 1)

/** Any text but the empty one: a file, a folder, a name. */
export const text = (requirement: string): Value<string> => ({
  requirement,
  read: (given) => (given === '' ? undefined : given),
})

export const file: Value<string> = text('the name of a file')
export const folder: Value<string> = text('the name of a folder')

/**
 * @example
 * oneOf(['a', 'b']).requirement // => 'a or b'
 */
export const oneOf = <const A extends string>(choices: readonly A[]): Value<A> => ({
  requirement: [choices.slice(0, -1).join(', '), choices.at(-1)].filter((part) => part !== '').join(' or '),
  read: (given) => choices.find((choice) => choice === given),
})

/**
 * Several values between commas.
 *
 * @example
 * listOf(count).read('1,2') // => [1, 2]
 */
export const listOf = <A>(one: Value<A>): Value<readonly A[]> => ({
  requirement: `a list between commas, each ${one.requirement}`,
  read: (given) => {
    const read = given.split(',').map((part) => one.read(part.trim()))
    return read.some((part) => part === undefined) ? undefined : (read as readonly A[])
  },
})

/** More values than this are a mistake. */
const MOST_VALUES = 1000

/**
 * Several numbers between commas, each one value or `from:to:n`: n values that are evenly spaced in their logarithms.
 *
 * @example
 * spreadOf(positive).read('1:100:3,7') // => [1, 10, 100, 7]
 */
export const spreadOf = (
  one: Value<number>,
  round: (x: number) => number = (x) => Number(x.toPrecision(4)),
): Value<readonly number[]> => ({
  requirement: `a list between commas, each ${one.requirement} or from:to:n`,
  read: (given) => {
    const values = given.split(',').flatMap((part): readonly (number | undefined)[] => {
      const [from = '', to, n, ...more] = part.split(':').map((piece) => piece.trim())
      if (to === undefined) return [one.read(from)]
      const [first, last, many] = [one.read(from), one.read(to), count.read(n ?? '')]
      if (first === undefined || last === undefined || many === undefined || more.length > 0) return [undefined]
      if (many < 2 || many > MOST_VALUES || !(first > 0)) return [undefined]
      return Array.from({ length: many }, (_, i) =>
        i === 0 ? first : i === many - 1 ? last : round(first * (last / first) ** (i / (many - 1))),
      )
    })
    return values.length > MOST_VALUES || values.some((value) => value === undefined)
      ? undefined
      : [...new Set(values as readonly number[])]
  },
})
