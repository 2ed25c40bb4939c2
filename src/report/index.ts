/**
 * Pictures of runs and of privacy curves.
 *
 * @module
 */
export * from './line-chart.js'
export { type MissingPackage, type NothingToDraw, type ReportError, showReportError } from './report-error.js'
