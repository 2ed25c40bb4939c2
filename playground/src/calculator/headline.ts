/**
 * The answer in one number, and what it means.
 */
import { element, say } from '../page/element.js'
import { durationText, factorText, shown } from '../page/number-text.js'
import { methodTexts } from './method-text.js'
import { relations } from './query.js'
import { claimOf, type Results } from './results.js'

export interface Headline {
  readonly root: HTMLElement
  /** The number again, small, to stay in view beside the sliders on a phone. */
  readonly small: HTMLElement
  /** `waited` is how long ago the query was asked, where this is its first answer. */
  readonly show: (results: Results, waited: number | undefined) => void
}

const relationTexts = {
  addOrRemoveOne: 'one record is added or removed',
  replaceOne: 'one record is replaced by any other',
} as const

const meaning = (results: Results): string => {
  const { query } = results
  const claim = claimOf(results, query.neighbouring)
  if (claim === undefined) return ''
  if (claim.upper === 0)
    return `Whatever anyone concludes from the trained weights becomes more likely by δ = ${shown(query.delta)} at most, when ${relationTexts[query.neighbouring]}.`
  if (claim.upper === Infinity) return 'There is too little noise for any guarantee at this δ.'
  return (
    `Whatever anyone concludes from the trained weights becomes at most ${factorText(claim.upper)} times as likely (e to the ε), plus ` +
    `δ = ${shown(query.delta)}, when ${relationTexts[query.neighbouring]}.`
  )
}

const proof = (results: Results): string => {
  const claim = claimOf(results, results.query.neighbouring)
  if (claim === undefined || claim.upper === Infinity) return ''
  const { name } = methodTexts[claim.method]
  if (claim.upper === 0) return `Proved by ${name}: δ alone covers the release.`
  return claim.method === 'rdp'
    ? `Proved by ${name}, which overstates; closer accountants are at work.`
    : `Proved by ${name}: the true ε lies between ${shown(claim.lower, 6, 'down')} and ${shown(claim.upper, 6, 'up')}. What you may claim is the upper end.`
}

const other = (results: Results): string => {
  const relation = relations.find((one) => one !== results.query.neighbouring) ?? 'replaceOne'
  const claim = claimOf(results, relation)
  return claim === undefined ? '' : `When ${relationTexts[relation]}: ε ≤ ${shown(claim.upper, 4, 'up')}.`
}

export const headline = (): Headline => {
  const value = element('output', { class: 'epsilon', id: 'epsilon', 'aria-hidden': 'true' })
  const meant = element('p', { class: 'meaning' })
  const proved = element('p', { class: 'proof' })
  const second = element('p', { class: 'proof' })
  const pace = element('p', { class: 'pace', id: 'pace' })
  // Said once the number rests: a reader would otherwise hear every number that a slider passes.
  const spoken = element('p', { class: 'spoken', role: 'status', 'aria-live': 'polite' })
  const smallValue = element('b', {})
  const small = element('p', { class: 'small-answer', 'aria-hidden': 'true' }, 'ε ≤ ', smallValue)
  let rest: ReturnType<typeof setTimeout> | undefined
  const root = element(
    'div',
    { class: 'headline' },
    element('p', { class: 'epsilon-line', 'aria-hidden': 'true' }, element('span', { class: 'sign' }, 'ε ≤ '), value),
    meant,
    proved,
    second,
    pace,
    spoken,
  )
  return {
    root,
    small,
    show: (results, waited) => {
      const claim = claimOf(results, results.query.neighbouring)
      for (const place of [root, small]) place.classList.toggle('old', claim === undefined)
      if (claim === undefined) return
      say(value, shown(claim.upper, 4, 'up'))
      say(smallValue, shown(claim.upper, 4, 'up'))
      value.setAttribute('data-upper', String(claim.upper))
      value.setAttribute('data-method', claim.method)
      value.setAttribute('data-query', String(results.latest))
      say(meant, meaning(results))
      say(proved, proof(results))
      say(second, other(results))
      if (waited !== undefined) {
        say(pace, `Answered ${durationText(waited)} after the change; closer numbers follow as they are found.`)
        pace.setAttribute('data-milliseconds', String(waited))
      }
      clearTimeout(rest)
      rest = setTimeout(() => say(spoken, `Epsilon is at most ${shown(claim.upper, 4, 'up')}.`), 700)
    },
  }
}
