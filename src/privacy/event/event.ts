/**
 * Privacy events: what was released, as plain data. An event says nothing about ε; an accountant reads it.
 *
 * Events form a monoid under composition.
 *
 * Reference  the event algebra of Google's dp_accounting, and more
 */
export * from './composition.js'
export * from './mechanisms.js'
export * from './privacy-event.js'
export * from './samplers.js'
export * from './show.js'
