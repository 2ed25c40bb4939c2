/**
 * Parts of the schema of a run. The message of each part says what is allowed, as the end of a sentence that begins "must be".
 */
import { z } from 'zod'

/** A part of a schema, with its type. */
export type Schema<A> = z.ZodType<A>

const numberWhere = (
  requirement: string,
  narrow: (schema: z.ZodNumber, error: { error: string }) => Schema<number>,
): Schema<number> => {
  const error = { error: requirement }
  return narrow(z.number(error), error)
}

/** What a number must be. */
export const positive: Schema<number> = numberWhere('a number above 0', (number, error) => number.positive(error))
export const nonNegative: Schema<number> = numberWhere('a number of at least 0', (number, error) =>
  number.nonnegative(error),
)
export const finite: Schema<number> = numberWhere('a number', (number) => number)
export const inside: Schema<number> = numberWhere('a number above 0 and below 1', (number, error) =>
  number.gt(0, error).lt(1, error),
)
export const belowOne: Schema<number> = numberWhere('a number of at least 0 and below 1', (number, error) =>
  number.gte(0, error).lt(1, error),
)
export const probability: Schema<number> = numberWhere('a number above 0 and at most 1', (number, error) =>
  number.gt(0, error).lte(1, error),
)
export const count: Schema<number> = numberWhere('a whole number of at least 1', (number, error) =>
  number.int(error).min(1, error),
)
export const place: Schema<number> = numberWhere('a whole number of at least 0', (number, error) =>
  number.int(error).min(0, error),
)
export const wholeNumber: Schema<number> = numberWhere('a whole number', (number, error) => number.int(error))

export const flag: Schema<boolean> = z.boolean({ error: 'true or false' })

/** A text that is not empty. */
export const text = (requirement: string): Schema<string> =>
  z.string({ error: requirement }).min(1, { error: requirement })

/** One of some names. */
export const oneOf = <const A extends string>(names: readonly [A, ...A[]]): Schema<A> =>
  z.enum(names, {
    error: names.length === 1 ? `${names[0]}` : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`,
  }) as unknown as Schema<A>

export const list = <A>(item: Schema<A>, requirement: string): Schema<readonly A[]> =>
  z.array(item, { error: requirement }).min(1, { error: requirement })

/** Every value under a name of its own. */
export const recordOf = <A>(item: Schema<A>, requirement: string): Schema<Readonly<Record<string, A>>> =>
  z.record(z.string(), item, { error: requirement })

type Shape<A> = { readonly [K in keyof A]-?: Record<string, never> extends Pick<A, K> ? Optional<A[K]> : Schema<A[K]> }
type Optional<A> = z.ZodExactOptional<Schema<Exclude<A, undefined>>>

/** A field that may be left out. */
export const optional = <A>(schema: Schema<A>): z.ZodExactOptional<Schema<A>> => z.exactOptional(schema)

/** An object with these fields and no others. */
export const record = <A>(shape: Shape<A>): Schema<A> & z.core.$ZodTypeDiscriminable =>
  z.strictObject(shape as unknown as z.core.$ZodShape, {
    error: ({ code }) => (code === 'unrecognized_keys' ? Object.keys(shape).join(', ') : 'an object'),
  }) as unknown as Schema<A> & z.core.$ZodTypeDiscriminable

/** The field that tells kinds of objects apart. */
export const kind = <const K extends string>(name: K): Schema<K> =>
  z.literal(name, { error: name }) as unknown as Schema<K>

/** Objects of several kinds, told apart by a field. */
export const kinds = <A>(
  field: string,
  names: readonly string[],
  schemas: readonly z.core.$ZodTypeDiscriminable[],
): Schema<A> =>
  z.discriminatedUnion(field, schemas as never, {
    error: ({ code }) =>
      (code as string) === 'invalid_type' ? `an object with a field ${field}` : `one of ${names.join(', ')}`,
  }) as unknown as Schema<A>

/** What either of several schemas takes. */
export const either = <A>(requirement: string, ...schemas: readonly Schema<A>[]): Schema<A> =>
  z.union(schemas as never, { error: requirement }) as unknown as Schema<A>

/** A schema that names itself. */
export const later = <A>(schema: () => Schema<A>): Schema<A> => z.lazy(schema) as unknown as Schema<A>
