/**
 * Relations between datasets, by the names that a command line has for them.
 */
import type { Neighbouring } from '../../privacy/index.js'
import { type Flag, flagOr } from '../flag.js'
import { listOf, oneOf } from '../value.js'

export const relationNames = ['add-or-remove-one', 'replace-one', 'replace-special'] as const
export type RelationName = (typeof relationNames)[number]

/** The relation of a name. */
export const relationOf = (name: RelationName): Neighbouring =>
  name === 'add-or-remove-one' ? 'addOrRemoveOne' : name === 'replace-one' ? 'replaceOne' : 'replaceSpecial'

/** One relation. */
export const relationFlag: Flag<RelationName> = flagOr(
  '--neighbouring <relation>',
  `what one record changes: ${oneOf(relationNames).requirement}`,
  oneOf(relationNames),
  'add-or-remove-one',
)

/** Several. */
export const relationsFlag: Flag<readonly RelationName[]> = flagOr(
  '--neighbouring <relations>',
  `what one record changes, between commas: ${oneOf(relationNames).requirement}`,
  listOf(oneOf(relationNames)),
  ['add-or-remove-one', 'replace-one'],
)
