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

/** Letters cannot be drawn into pixels where no font is installed. */
export interface MissingFont {
  readonly _tag: 'MissingFont'
}

/** Every failure of a report. */
export type ReportError = MissingPackage | NothingToDraw | MissingFont

export const withoutPackage = (name: string): ReportError => ({ _tag: 'MissingPackage', name })

export const withoutPoints = (label: string): ReportError => ({ _tag: 'NothingToDraw', label })

export const withoutFont: ReportError = { _tag: 'MissingFont' }

/**
 * One sentence.
 *
 * @example
 * showReportError(withoutPackage('linkedom')) // => 'A picture needs the package linkedom, which is not installed: npm install @observablehq/plot linkedom.'
 */
export const showReportError = (error: ReportError): string => {
  switch (error._tag) {
    case 'MissingPackage':
      return error.name === '@resvg/resvg-js'
        ? `A PNG needs the package ${error.name}, which is not installed: npm install ${error.name}, or ask for an SVG.`
        : `A picture needs the package ${error.name}, which is not installed: npm install @observablehq/plot linkedom.`
    case 'NothingToDraw':
      return `There is nothing to draw for ${error.label}: no point is finite (and positive, on a logarithmic axis).`
    case 'MissingFont':
      return 'A PNG needs a font, and none is installed on this system: install one, such as DejaVu Sans, or ask for an SVG.'
  }
}
