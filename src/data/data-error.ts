/**
 * What can be wrong with data that comes from outside: one union, and one sentence for people.
 */

/** A file that should be there is not, or cannot be read. */
export interface UnreadableFile {
  readonly _tag: 'UnreadableFile'
  readonly source: string
  readonly reason: string
}

/** Bytes that break their own format. */
export interface MalformedData {
  readonly _tag: 'MalformedData'
  readonly source: string
  readonly found: string
  readonly allowed: string
}

/** Parts that are well-formed by themselves and do not belong together, or values outside of their range. */
export interface InconsistentData {
  readonly _tag: 'InconsistentData'
  readonly source: string
  readonly found: string
  readonly allowed: string
}

/** Every failure of a reader of data. */
export type DataError = UnreadableFile | MalformedData | InconsistentData

/** A file that cannot be read, as a `DataError`. */
export const unreadableFile = (source: string, reason: string): DataError => ({
  _tag: 'UnreadableFile',
  source,
  reason,
})

/** Bytes that are not of their format, as a `DataError`. */
export const malformedData = (fields: Omit<MalformedData, '_tag'>): DataError => ({ _tag: 'MalformedData', ...fields })

/** Parts that do not belong together, or values outside of their range, as a `DataError`. */
export const inconsistentData = (fields: Omit<InconsistentData, '_tag'>): DataError => ({
  _tag: 'InconsistentData',
  ...fields,
})

/** The same failure, blamed on another source: a parser of bytes does not know the name of the file. */
export const blame =
  (source: string) =>
  (error: DataError): DataError => ({ ...error, source })

/**
 * One sentence: the source, what was found, and what is allowed.
 *
 * @example
 * showDataError(malformedData({ source: 'a.idx', found: '3 bytes', allowed: 'at least 4' })) // => 'a.idx: found 3 bytes; allowed: at least 4.'
 */
export const showDataError = (error: DataError): string =>
  error._tag === 'UnreadableFile'
    ? `${error.source}: ${error.reason}.`
    : `${error.source}: found ${error.found}; allowed: ${error.allowed}.`
