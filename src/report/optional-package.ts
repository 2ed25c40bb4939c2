/**
 * Packages that only pictures need: loaded when one is wanted.
 */
import * as E from 'fp-ts/lib/Either.js'
import { type ReportError, withoutPackage } from './report-error.js'

/** A package that is not installed is the caller's to add; anything else that goes wrong in it is a defect. */
export const loadPackage = async <A>(name: string, load: () => Promise<A>): Promise<E.Either<ReportError, A>> => {
  try {
    return E.right(await load())
  } catch (cause) {
    const code = (cause as { readonly code?: unknown } | null)?.code
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') return E.left(withoutPackage(name))
    throw cause
  }
}
