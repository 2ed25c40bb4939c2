/**
 * State as data: any nest of records, arrays, tensors, numbers, strings, booleans and nulls, as JSON beside its tensors.
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
  const tensors: Record<string, Tensor> = {}
  const walk = (value: unknown, path: string): Json => {
    if (isTensor(value)) {
      tensors[path] = value
      return { $tensor: path }
    }
    if (typeof value === 'number') {
      const special = specialName(value)
      return special === undefined ? value : { $number: special }
    }
    if (Array.isArray(value)) return value.map((item: unknown, index) => walk(item, join(path, index)))
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item, join(path, key))]))
    return value as Json
  }
  return { json: JSON.stringify(walk(state, '')), tensors }
}

const join = (path: string, key: string | number): string => (path === '' ? `${key}` : `${path}.${key}`)

/**
 * The inverse of `encodeState`.
 *
 * @throws Error for text that is not JSON, or names a tensor that is not there
 */
export const decodeState = ({ json, tensors }: EncodedState): unknown => {
  const walk = (value: Json): unknown => {
    if (Array.isArray(value)) return value.map(walk)
    if (typeof value !== 'object' || value === null) return value
    const { $tensor, $number } = value as { readonly $tensor?: string; readonly $number?: string }
    if ($number !== undefined) return specials[$number]
    if ($tensor === undefined) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item)]))
    const tensor = tensors[$tensor]
    if (tensor === undefined) throw new Error(`there is no tensor ${$tensor}`)
    return tensor
  }
  return walk(JSON.parse(json) as Json)
}
