/**
 * What looking at all runs of a grid costs, and what choosing among them would cost had the choice been drawn.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import {
  Composition,
  Event,
  epsilonOf,
  type Neighbouring,
  type PrivacyEvent,
  rdp,
  showEvent,
} from '../../privacy/index.js'
import { showEpsilon } from '../run/train-run.js'

/** Runs that spend the same. */
export interface AlikeRuns {
  readonly runs: number
  /** Of one of them. */
  readonly alone: number
  /** Of the best of a random number of them. */
  readonly drawn: number
}

/** ε of all runs together, and of the best of runs whose settings and number are drawn. */
export interface ChoiceCost {
  readonly runs: number
  readonly delta: number
  readonly together: number
  /** Where several runs have one event: the bound is of runs that all spend alike, whatever their settings. */
  readonly alike: readonly AlikeRuns[]
}

/**
 * By Rényi accounting, whatever accountant the runs were planned with: it composes different runs.
 *
 * Reference  Papernot & Steinke 2022, arXiv:2110.03620, Theorem 2 with η = 1: the number of runs is geometric, of mean `runs`, and each
 *            of them has settings that are drawn anew
 */
export const choiceCost = (
  events: readonly PrivacyEvent[],
  { delta, neighbouring }: { readonly delta: number; readonly neighbouring: Neighbouring },
): ChoiceCost | undefined => {
  const spent = (event: PrivacyEvent): number | undefined =>
    pipe(
      epsilonOf(rdp({ neighbouring }), delta)(event),
      E.match(
        () => undefined,
        ({ upper }) => upper,
      ),
    )
  const together = spent(events.reduce(Composition.concat, Event.noOp))
  if (together === undefined) return undefined
  const groups = new Map<string, readonly PrivacyEvent[]>()
  for (const event of events) groups.set(showEvent(event), [...(groups.get(showEvent(event)) ?? []), event])
  const alike = Array.from(groups.values()).flatMap((group) => {
    const [event] = group as readonly [PrivacyEvent]
    const alone = spent(event)
    const drawn = spent(Event.repeatAndSelect({ mean: group.length, shape: 1 })(event))
    return group.length < 2 || alone === undefined || drawn === undefined ? [] : [{ runs: group.length, alone, drawn }]
  })
  return { runs: events.length, delta, together, alike: alike.toSorted((a, b) => a.alone - b.alone) }
}

/** The cost in words. */
export const showChoiceCost = ({ runs, delta, together, alike }: ChoiceCost): string =>
  [
    `The ε of a row is that of each run by itself. All ${runs} runs together, of which a choice by this table is a result, spend ` +
      `ε = ${showEpsilon(together, 3)} at δ = ${delta}.`,
    ...(alike.length === 0
      ? []
      : [
          'Had the settings of each run been drawn at random, and the number of runs from a geometric law, the best model alone would spend ' +
            `${alike.map((each) => `ε = ${showEpsilon(each.drawn, 3)} where ${each.runs} runs of ε = ${showEpsilon(each.alone, 3)} are expected`).join(', ')} ` +
            '(Papernot & Steinke 2022, arXiv:2110.03620, Theorem 2).',
        ]),
    'Choosing on data that are public costs nothing.',
  ].join(' ')
