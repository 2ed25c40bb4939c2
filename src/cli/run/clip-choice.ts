/**
 * Clip rules in a configuration.
 */
import {
  autoS,
  autoV,
  byLayer,
  byLeaf,
  type Clip,
  equalShares,
  flatClip,
  globalClip,
  normalised,
  perGroupClip,
  psac,
  sharesByDimension,
} from '../../privacy/index.js'
import type { ClipChoice as PlannedClip } from '../../train/index.js'
import { type ScheduleChoice, schedule, scheduleOf } from './schedule-choice.js'
import { flag, inside, kind, kinds, oneOf, optional, positive, record, type Schema } from './schema-parts.js'

interface Bounded {
  /** C, of the whole gradient. */
  readonly l2ClipNorm: ScheduleChoice
}

/** A clip rule and its options, which are those of `fp-dp/privacy`. */
export type ClipChoice =
  | ({ readonly kind: 'flat'; readonly normalised?: boolean } & Bounded)
  | ({ readonly kind: 'autoS'; readonly stability?: number } & Bounded)
  | ({ readonly kind: 'autoV' } & Bounded)
  | ({ readonly kind: 'psac'; readonly regulariser?: number } & Bounded)
  | ({ readonly kind: 'global'; readonly threshold: number } & Bounded)
  | ({
      readonly kind: 'perGroup'
      readonly by?: 'layer' | 'parameter'
      readonly shares?: 'equal' | 'byDimension'
    } & Bounded)
  | {
      readonly kind: 'adaptive'
      readonly initialClipNorm: number
      readonly targetQuantile?: number
      readonly learningRate?: number
      readonly countDeviation?: number
      readonly by?: 'layer' | 'parameter'
    }

type Of<K extends ClipChoice['kind']> = Extract<ClipChoice, { readonly kind: K }>
type Adaptive = Of<'adaptive'>

const bounded = { l2ClipNorm: schedule }
const by = optional(oneOf(['layer', 'parameter']))

/** A clip rule. */
export const clipSchema: Schema<ClipChoice> = kinds(
  'kind',
  ['flat', 'autoS', 'autoV', 'psac', 'global', 'perGroup', 'adaptive'],
  [
    record<Of<'flat'>>({ kind: kind('flat'), normalised: optional(flag), ...bounded }),
    record<Of<'autoS'>>({ kind: kind('autoS'), stability: optional(positive), ...bounded }),
    record<Of<'autoV'>>({ kind: kind('autoV'), ...bounded }),
    record<Of<'psac'>>({ kind: kind('psac'), regulariser: optional(positive), ...bounded }),
    record<Of<'global'>>({ kind: kind('global'), threshold: positive, ...bounded }),
    record<Of<'perGroup'>>({
      kind: kind('perGroup'),
      by,
      shares: optional(oneOf(['equal', 'byDimension'])),
      ...bounded,
    }),
    record<Adaptive>({
      ...{ kind: kind('adaptive'), initialClipNorm: positive, targetQuantile: optional(inside) },
      ...{ learningRate: optional(positive), countDeviation: optional(positive), by },
    }),
  ],
)

const grouping = { layer: byLayer, parameter: byLeaf } as const

/** The rule with a bound. */
const ruleOf = (choice: Exclude<ClipChoice, Adaptive>, l2ClipNorm: number): Clip => {
  switch (choice.kind) {
    case 'flat':
      return choice.normalised === true ? normalised(flatClip(l2ClipNorm)) : flatClip(l2ClipNorm)
    case 'autoS':
      return autoS(l2ClipNorm, choice.stability)
    case 'autoV':
      return autoV(l2ClipNorm)
    case 'psac':
      return psac(l2ClipNorm, choice.regulariser)
    case 'global':
      return globalClip({ l2ClipNorm, threshold: choice.threshold })
    case 'perGroup': {
      const shares = choice.shares === 'byDimension' ? sharesByDimension : equalShares
      return perGroupClip({ group: grouping[choice.by ?? 'layer'], l2ClipNorm, shares })
    }
  }
}

/** The clip of a phase of so many steps. */
export const clipOf = (choice: ClipChoice, steps: number): PlannedClip | ((step: number) => Clip) => {
  if (choice.kind === 'adaptive') {
    const { kind: _, by: groups, ...adaptive } = choice
    return { adaptive: { ...adaptive, ...(groups === undefined ? {} : { group: grouping[groups] }) } }
  }
  const bound = scheduleOf(choice.l2ClipNorm, steps)
  return typeof bound === 'number' ? ruleOf(choice, bound) : (step) => ruleOf(choice, bound(step))
}
