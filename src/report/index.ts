/**
 * Pictures of runs and of privacy curves, and the report that says what was spent.
 *
 * @module
 */
export type { Axis } from './axis.js'
export * from './event-facts.js'
export * from './line-chart.js'
export * from './png.js'
export * from './privacy-report.js'
export {
  type MissingFont,
  type MissingPackage,
  type NothingToDraw,
  type ReportError,
  showReportError,
} from './report-error.js'
