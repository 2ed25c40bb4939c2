/**
 * State as data: nested records, arrays, tensors, numbers, strings, booleans and nulls, as JSON beside its tensors.
 */
import { isTensor, type Tensor } from '../tensor/tensor.js'

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** JSON in which each tensor is replaced by a reference to its name. */
export interface EncodedState {
  readonly json: string
  readonly tensors: Readonly<Record<string, Tensor>>
}

/** Numbers that JSON would lose. */
const specials: Readonly<Record<string, number>> = {
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
  NaN: Number.NaN,
  '-0': -0,
}

const specialName = (x: number): string | undefined =>
  Number.isFinite(x) ? (Object.is(x, -0) ? '-0' : undefined) : String(x)

/** Separates the tensors of a state from the rest; each is named by its path. */
export const encodeState = (state: unknown): EncodedState => {
  const tensors = new Map<string, Tensor>()
  const walk = (value: unknown, path: string): Json => {
    if (isTensor(value)) {
      // Two paths may read alike, as those of { 'a.b': … } and { a: { b: … } } do.
      let name = path
      while (tensors.has(name)) name += '#'
      tensors.set(name, value)
      return { $tensor: name }
    }
    if (typeof value === 'number') {
      const special = specialName(value)
      return special === undefined ? value : { $number: special }
    }
    if (Array.isArray(value)) return value.map((item: unknown, index) => walk(item, join(path, index)))
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [escaped(key), walk(item, join(path, key))]))
    return value as Json
  }
  return { json: JSON.stringify(walk(state, '')), tensors: Object.fromEntries(tensors) }
}

/** A key of the state that begins like one of ours gets one more $. */
const escaped = (key: string): string => (key.startsWith('$') ? `$${key}` : key)
const unescaped = (key: string): string => (key.startsWith('$$') ? key.slice(1) : key)

const join = (path: string, key: string | number): string => (path === '' ? `${key}` : `${path}.${key}`)

/** Own entries only: a file that names `constructor` gets none. */
const entry = <A>(table: Readonly<Record<string, A>>, name: string, kind: string): A => {
  if (!Object.hasOwn(table, name)) throw new Error(`there is no ${kind} ${name}`)
  return table[name] as A
}

/**
 * The inverse of `encodeState`.
 *
 * @throws Error for text that is not JSON, or names a tensor or a number that is not there
 */
export const decodeState = ({ json, tensors }: EncodedState): unknown => {
  const walk = (value: Json): unknown => {
    if (Array.isArray(value)) return value.map(walk)
    if (typeof value !== 'object' || value === null) return value
    const { $tensor, $number } = value as { readonly $tensor?: string; readonly $number?: string }
    if ($number !== undefined) return entry(specials, $number, 'number')
    if ($tensor !== undefined) return entry(tensors, $tensor, 'tensor')
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [unescaped(key), walk(item)]))
  }
  return walk(JSON.parse(json) as Json)
}
