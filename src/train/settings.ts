/**
 * The public numbers of a run, checked all at once.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as NEA from 'fp-ts/lib/NonEmptyArray.js'
import type { OptimizerState } from '../optim/index.js'
import { type Accountant, type Bounds, epsilonOf, showAccountingFailure } from '../privacy/accountant.js'
import {
  type CalibrationFailure,
  calibrateNoiseMultiplier,
  calibrateSteps,
  showCalibrationFailure,
} from '../privacy/calibrate.js'
import { isSummable } from '../privacy/clip/clip.js'
import { Composition, gaussian, type NoiseGrade, noOp, type PrivacyEvent } from '../privacy/event/event.js'
import { type InvalidParameter, invalidParameter } from '../privacy/invalid-parameter.js'
import { rdp } from '../privacy/rdp/accountant.js'
import { key } from '../sampling/index.js'
import type { Tree } from '../tensor/tree.js'
import type { ClipChoice, DpTrainingConfig, DpTrainingSettings, Phase, RunConfig } from './config.js'
import { evaluationOf } from './dropout.js'
import { decided, isSteady, type PhaseTable, periodOf, phaseTable, type ReleaseEvent, stepsOf } from './phase-table.js'
import { initialBound, isAdaptive, isOnGrid, queryEvent } from './query.js'

export type Invalid = NEA.NonEmptyArray<InvalidParameter>

/** Settings, the table of steps, and what the accountant makes of a ledger under them. */
export interface CheckedRun {
  readonly settings: DpTrainingSettings
  readonly table: PhaseTable
  /** The event of so many steps, what was released before the run included. */
  readonly event: (steps: number, grade: NoiseGrade) => PrivacyEvent
  readonly spent: (ledger: PrivacyEvent) => Bounds
}

/** What must hold of one parameter. */
export interface Rule {
  readonly parameter: string
  readonly value: unknown
  readonly holds: boolean
  readonly requirement: string
}

/** The rules that are broken, as failures. */
export const broken = (rules: readonly Rule[]): readonly InvalidParameter[] =>
  rules
    .filter(({ holds }) => !holds)
    .map(({ parameter, value, requirement }) => invalidParameter(parameter, value, requirement))

const isFinitePositive = (x: number): boolean => Number.isFinite(x) && x > 0
const isCount = (x: number): boolean => Number.isSafeInteger(x) && x >= 1

/** What is wrong with the model for this input, in the words of the layer that refuses it. */
const misfit = <P extends Tree, C>({
  model,
  inputShape,
}: Pick<RunConfig<P, C, OptimizerState>, 'model' | 'inputShape'>): string => {
  try {
    evaluationOf(model).init(key(0), inputShape)
    return ''
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause)
  }
}

/** Why a step of the run has no event, in the words of what refuses it: a grid that is too fine, counts with too little noise. */
const withoutEvent = (table: PhaseTable): string => {
  try {
    table.event(table.steps, 'float')
    return ''
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause)
  }
}

const runRules = <P extends Tree, C, S extends OptimizerState, Curve>(
  config: DpTrainingConfig<P, C, S, Curve>,
): readonly Rule[] => {
  const { delta, physicalBatchSize = 1, budget, targetEpsilon } = config
  const problem = misfit(config)
  const limit = typeof physicalBatchSize === 'number' ? physicalBatchSize : physicalBatchSize.bytes
  const positive = (parameter: string, value: number | undefined): readonly Rule[] =>
    value === undefined
      ? []
      : [{ parameter, value, holds: isFinitePositive(value), requirement: 'a finite number above 0' }]
  return [
    { parameter: 'delta', value: delta, holds: isFinitePositive(delta) && delta < 1, requirement: 'in (0, 1)' },
    {
      parameter: typeof physicalBatchSize === 'number' ? 'physicalBatchSize' : 'physicalBatchSize.bytes',
      value: limit,
      holds: isCount(limit),
      requirement: 'a whole number ≥ 1',
    },
    ...positive('budget', budget),
    ...positive('targetEpsilon', targetEpsilon),
    {
      parameter: 'model',
      value: evaluationOf(config.model).name,
      holds: problem === '',
      requirement: `a model that takes inputs of shape [${config.inputShape}] (${problem})`,
    },
  ]
}

/** The first value of a schedule that breaks a rule, or its first value where none does. */
const worst = <A>(
  value: A | ((step: number) => A),
  steps: number,
  holds: (value: A) => boolean,
): { readonly value: A; readonly holds: boolean } => {
  if (typeof value !== 'function') return { value, holds: holds(value) }
  const schedule = value as (step: number) => A
  for (let step = 0; step < steps; step++) if (!holds(schedule(step))) return { value: schedule(step), holds: false }
  return { value: schedule(0), holds: true }
}

const isSampled = ({ sampler, samplingProbability }: Phase): boolean =>
  sampler !== undefined || (isFinitePositive(samplingProbability) && samplingProbability <= 1)

/** How many steps a phase asks for; no count where that is not to be told. */
const stepsAsked = (phase: Phase): number => {
  const { steps } = phase
  if (isSampled(phase)) return stepsOf(phase)
  return typeof steps === 'number' ? steps : steps.epochs > 0 ? 1 : Number.NaN
}

/** For how many steps its schedules are read. */
const counted = (phase: Phase): number => {
  const steps = stepsAsked(phase)
  return isCount(steps) ? steps : 1
}

/** Names the parameter of a phase for the caller. */
export type PhaseName = (phase: number, field: string) => string

/** Is it what clips: a rule, a rule for each group, or bounds that adapt? Callers without types may give anything. */
const isClip = (clip: unknown): boolean => {
  const { factor, rules, adaptive } = (clip ?? {}) as Readonly<Record<string, unknown>>
  return [factor, rules].some((each) => typeof each === 'function') || typeof adaptive === 'object'
}

const phaseRules =
  (name: PhaseName) =>
  (phase: Phase, index: number): readonly Rule[] => {
    const { steps: asked, clip, noiseMultiplier, samplingProbability, sampler, expectedBatchSize } = phase
    const clips = worst<unknown>(clip, counted(phase), isClip)
    if (!clips.holds)
      return [
        {
          parameter: name(index, 'clip'),
          value: clips.value,
          holds: false,
          requirement: 'a clip rule, such as flatClip(1)',
        },
      ]
    const period = sampler === undefined ? 1 : periodOf(sampler.scheme)
    const steps = counted(phase)
    const noise = worst(noiseMultiplier, steps, (sigma) => Number.isFinite(sigma) && sigma >= 0)
    const noisy = !worst<number>(noiseMultiplier, steps, (sigma) => sigma === 0).holds
    const bound = worst<ClipChoice>(
      clip,
      steps,
      (choice) => isSummable(initialBound(choice)) && (Number.isFinite(initialBound(choice)) || !noisy),
    )
    return [
      {
        parameter: name(index, 'noiseMultiplier'),
        value: noise.value,
        holds: noise.holds,
        requirement: 'a finite number ≥ 0',
      },
      {
        parameter: name(index, 'samplingProbability'),
        value: samplingProbability,
        holds: isSampled(phase),
        requirement: 'in (0, 1]',
      },
      {
        parameter: name(index, 'sampler'),
        value: sampler?.scheme._tag,
        holds: period === 1 || isSteady(phase),
        requirement: 'one whose batches are drawn step by step, where noise or clip change from step to step',
      },
      {
        parameter: name(index, 'expectedBatchSize'),
        value: expectedBatchSize,
        holds: isFinitePositive(expectedBatchSize),
        requirement: 'a finite number above 0',
      },
      {
        parameter: name(index, typeof asked === 'number' ? 'steps' : 'steps.epochs'),
        value: typeof asked === 'number' ? asked : asked.epochs,
        holds: isCount(stepsAsked(phase)),
        requirement: typeof asked === 'number' ? 'a whole number ≥ 1' : 'a finite number above 0',
      },
      {
        parameter: name(index, 'clip.l2Bound'),
        value: initialBound(bound.value),
        holds: bound.holds,
        requirement: noisy ? 'in [2^-80, 2^80]' : 'in [2^-80, 2^80], or infinite',
      },
    ]
  }

const unreachable =
  (parameter: string, value: number) =>
  (cause: CalibrationFailure): Invalid =>
    NEA.of(invalidParameter(parameter, value, `reachable (${showCalibrationFailure(cause)})`))

/** The run with its noise, or every field that is wrong. */
export const checkedRun = <P extends Tree, C, S extends OptimizerState, Curve>(
  config: DpTrainingConfig<P, C, S, Curve>,
  name: PhaseName,
  further: readonly Rule[] = [],
): E.Either<Invalid, CheckedRun> => {
  const { targetEpsilon, delta, budget, before = noOp, physicalBatchSize = 512 } = config
  const phases = config.phases.map((phase) => decided(phase, counted(phase)))
  const accountant = (config.accountant ?? rdp()) as Accountant<Curve>
  const [first, ...rest] = broken([
    ...further,
    { parameter: 'phases', value: phases.length, holds: phases.length > 0, requirement: 'at least one' },
    ...phases.flatMap(phaseRules(name)),
    ...runRules(config),
  ])
  if (first !== undefined) return E.left([first, ...rest])
  const eventOf =
    (table: PhaseTable) =>
    (steps: number, grade: NoiseGrade): PrivacyEvent =>
      Composition.concat(before, table.event(steps, grade))
  const { params } = evaluationOf(config.model).init(key(0), config.inputShape)
  const releaseEvent = queryEvent(config.grid, params)
  // A step with a clip that adapts costs what a Gaussian of the whole multiplier costs, however it is split.
  const forScale: ReleaseEvent = (settings, grade) => {
    if (!isAdaptive(settings.clip)) return releaseEvent(settings, grade)
    // Throws for what is wrong whatever the noise.
    releaseEvent({ ...settings, noiseMultiplier: 0 }, grade)
    return gaussian(settings.noiseMultiplier, grade)
  }
  const misfits = withoutEvent(phaseTable(phases, 1, targetEpsilon === undefined ? releaseEvent : forScale))
  if (misfits !== '') {
    // A run of one phase may have no field of that name: where there is a grid, it is to blame.
    const [parameter, value] = isOnGrid(config.grid) ? ['grid', config.grid] : ['phases', phases.length]
    return E.left(NEA.of(invalidParameter(parameter, value, `such that each step has an event (${misfits})`)))
  }
  const whole = (noiseScale: number): PrivacyEvent => {
    const table = phaseTable(phases, noiseScale, forScale)
    return eventOf(table)(table.steps, 'float')
  }
  return pipe(
    targetEpsilon === undefined
      ? E.right(1)
      : pipe(
          calibrateNoiseMultiplier(accountant, { epsilon: targetEpsilon, delta })(whole),
          E.mapLeft(unreachable('targetEpsilon', targetEpsilon)),
        ),
    E.map((noiseScale) => ({ noiseScale, table: phaseTable(phases, noiseScale, releaseEvent) })),
    E.filterOrElse(
      ({ table }) => withoutEvent(table) === '',
      ({ table }) =>
        NEA.of(
          invalidParameter('targetEpsilon', targetEpsilon, `reachable with these phases (${withoutEvent(table)})`),
        ),
    ),
    E.bind('steps', ({ table }) =>
      budget === undefined
        ? E.right(table.steps)
        : pipe(
            calibrateSteps(accountant, { epsilon: budget, delta }, table.steps)((n) => eventOf(table)(n, 'float')),
            E.mapLeft(unreachable('budget', budget)),
            E.filterOrElse(
              (affordable) => affordable > 0,
              () => NEA.of(invalidParameter('budget', budget, 'enough for the first step')),
            ),
          ),
    ),
    E.map(({ noiseScale, table, steps }) => ({
      settings: {
        phases: table.phases,
        noiseScale,
        steps,
        delta,
        physicalBatchSize,
        accountant: accountant.name,
      },
      table,
      event: eventOf(table),
      spent: (ledger: PrivacyEvent) =>
        pipe(
          epsilonOf(accountant, delta)(ledger),
          E.getOrElse((cause): Bounds => {
            throw new Error(showAccountingFailure(cause))
          }),
        ),
    })),
    E.chainFirst(({ event, settings }) =>
      pipe(
        epsilonOf(accountant, delta)(event(settings.steps, 'float')),
        E.mapLeft((cause) =>
          NEA.of(
            invalidParameter('accountant', accountant.name, `able to read the run (${showAccountingFailure(cause)})`),
          ),
        ),
      ),
    ),
  )
}
