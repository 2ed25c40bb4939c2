/**
 * What is said of a result that was computed within a page.
 */
import { ShapeEq } from '../../src/tensor/shape.js'
import { type Tensor, toArray } from '../../src/tensor/tensor.js'
import type { Flow } from '../arbitraries/operation.js'

/** What one operation did. */
export interface Finding {
  readonly operation: string
  /** The largest error, relative to what it is measured by. */
  readonly error: number
  /** The first result that breaks the contract, in a sentence. */
  readonly broken?: string
}

export type Judgement = Omit<Finding, 'operation'>

const underflow = 2 ** -126

export interface Truth {
  readonly expected: Tensor
  /** For each element the sum of the absolute values of the terms that make it up. */
  readonly terms: Tensor
  readonly tolerance: number
  readonly flow: Flow
}

/** As the laws judge: within the tolerance where the truth is a number, and not a number where it is none. */
export const judge = (found: Tensor, { expected, terms, tolerance, flow }: Truth): Judgement => {
  if (!ShapeEq.equals(found.shape, expected.shape))
    return { error: Number.POSITIVE_INFINITY, broken: `shape [${found.shape}] for [${expected.shape}]` }
  const [got, want, sizes] = [toArray(found), toArray(expected), toArray(terms)]
  let error = 0
  for (const [i, wanted] of want.entries()) {
    const [value, size] = [got[i] as number, sizes[i] as number]
    const rounded = found.dtype === 'float32' ? Math.fround(wanted) : wanted
    if (Number.isFinite(rounded)) {
      if (flow === 'contained' && !Number.isFinite(value)) continue
      const off = Math.abs(value - wanted)
      if (size > 0) error = Math.max(error, (off - underflow) / size)
      if (!(off <= tolerance * size + underflow))
        return { error, broken: `element ${i}: ${value} for ${wanted}, |terms| ${size}` }
    } else if (flow === 'same' ? !Object.is(value, rounded) : flow === 'contained' && Number.isFinite(value))
      return { error, broken: `element ${i}: ${value} for ${rounded}` }
  }
  return { error }
}

/** The worst of some judgements; what is thrown is broken. */
export const worstOf = async (
  operation: string,
  judgements: readonly (() => Promise<Judgement>)[],
): Promise<Finding> => {
  let error = 0
  for (const one of judgements)
    try {
      const own = await one()
      error = Math.max(error, own.error)
      if (own.broken !== undefined) return { operation, error, broken: own.broken }
    } catch (cause) {
      return { operation, error, broken: cause instanceof Error ? cause.message : String(cause) }
    }
  return { operation, error }
}
