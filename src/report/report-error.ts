/**
 * What can keep a picture from being drawn: one union, and one sentence for people.
 */

/** A package that only pictures need is not installed. */
export interface MissingPackage {
  readonly _tag: 'MissingPackage'
  readonly name: string
}

/** No point that the axes can show. */
export interface NothingToDraw {
  readonly _tag: 'NothingToDraw'
  readonly label: string
}

/** Every failure of a report. */
export type ReportError = MissingPackage | NothingToDraw

export const withoutPackage = (name: string): ReportError => ({ _tag: 'MissingPackage', name })

export const withoutPoints = (label: string): ReportError => ({ _tag: 'NothingToDraw', label })

/**
 * One sentence.
 *
 * @example
 * showReportError(withoutPackage('linkedom')) // => 'A picture needs the package linkedom, which is not installed: npm install @observablehq/plot linkedom.'
 */
export const showReportError = (error: ReportError): string =>
  error._tag === 'MissingPackage'
    ? `A picture needs the package ${error.name}, which is not installed: npm install @observablehq/plot linkedom.`
    : `There is nothing to draw for ${error.label}: no point is finite (and positive, on a logarithmic axis).`
