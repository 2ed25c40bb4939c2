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

const numeral = (text: string): number => (/^\s*[-+]?(\d|\.\d)/.test(text) ? Number(text) : Number.NaN)

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
