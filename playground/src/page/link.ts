/**
 * All settings of the page as a link, and back.
 */

import { type InvalidParameter, invalidParameter } from '../../../src/privacy/invalid-parameter.js'
import { type Query, queryFields, type Relation } from '../calculator/query.js'
import { type TrainingSettings, trainingFields } from '../training/training-settings.js'
import { valuesFromLink, valuesToLink } from './field.js'

export interface PageSettings {
  readonly query: Query
  readonly training: TrainingSettings
}

/** Names of relations in links, which are those of the command line. */
const relationNames: Readonly<Record<string, Relation>> = {
  'add-or-remove-one': 'addOrRemoveOne',
  'replace-one': 'replaceOne',
}

/** The part of the link after #: what is not as the page begins. */
export const linkOf = ({ query, training }: PageSettings): string =>
  new URLSearchParams(
    [
      ...valuesToLink(queryFields, query),
      ...(query.neighbouring === 'replaceOne' ? [['neighbouring', 'replace-one'] as const] : []),
      ...valuesToLink(trainingFields, training),
    ].map(([name, value]) => [name, value]),
  ).toString()

/** The settings of a link. What is missing or wrong is as the page begins; what is wrong is told. */
export const settingsFromLink = (
  hash: string,
): { readonly settings: PageSettings; readonly problems: readonly InvalidParameter[] } => {
  const link = new URLSearchParams(hash.replace(/^#/, ''))
  const { values, problems } = valuesFromLink(queryFields, link)
  const training = valuesFromLink(trainingFields, link)
  const name = link.get('neighbouring') ?? 'add-or-remove-one'
  const neighbouring = relationNames[name]
  return {
    settings: { query: { ...values, neighbouring: neighbouring ?? 'addOrRemoveOne' }, training: training.values },
    problems: [
      ...problems,
      ...(neighbouring === undefined
        ? [invalidParameter('neighbouring', name, Object.keys(relationNames).join(' or '))]
        : []),
      ...training.problems,
    ],
  }
}
