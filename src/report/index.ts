/**
 * Pictures of runs and of privacy curves.
 *
 * @module
 */
export * from './line-chart.js'
export * from './report-error.js'
