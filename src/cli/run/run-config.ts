/**
 * A run as one JSON file: what `fp-dp train` reads.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { z } from 'zod'
import { type Neighbouring, neighbouringRelations } from '../../privacy/index.js'
import { type ClipChoice, clipSchema } from './clip-choice.js'
import { type ConfigProblem, checked, problem } from './config-problems.js'
import { type DataChoice, dataSchema } from './data-choice.js'
import { type ModelChoice, modelSchema } from './model-choice.js'
import { type OptimizerChoice, optimizerSchema } from './optimizer-choice.js'
import { type SamplerChoice, samplerSchema } from './sampler-choice.js'
import { type ScheduleChoice, schedule } from './schedule-choice.js'
import {
  count,
  either,
  flag,
  inside,
  list,
  nonNegative,
  oneOf,
  optional,
  positive,
  record,
  type Schema,
  text,
  wholeNumber,
} from './schema-parts.js'

/** How long a stretch of the run is: one of the two. */
interface Length {
  /** Expected passes over the examples. */
  readonly epochs?: number
  readonly steps?: number
}

/** A stretch with settings of its own; what it does not say is that of the run. */
export interface PhaseConfig extends Length {
  readonly clip?: ClipChoice
  readonly sampler?: SamplerChoice
  /** σ; with a target ε for the run, relative to the other phases. */
  readonly noiseMultiplier?: ScheduleChoice
}

/** The ε that the whole run spends, from which the noise follows; or the noise. 0 is a run without privacy. */
export type NoiseChoice = { readonly targetEpsilon: number } | { readonly noiseMultiplier: ScheduleChoice }

/** The accountants that a run may be planned with. */
export const accountants = ['rdp', 'pld', 'prv', 'exact', 'gdp'] as const
export type AccountantName = (typeof accountants)[number]

/** A private training run, described. */
export interface RunConfig extends Length {
  /** Where the schema is, for editors. */
  readonly $schema?: string
  readonly title?: string
  /** Default 20,000 drawn digits. */
  readonly data?: DataChoice
  readonly model: ModelChoice
  readonly optimizer: OptimizerChoice
  readonly clip?: ClipChoice
  readonly sampler?: SamplerChoice
  readonly noise: NoiseChoice
  readonly phases?: readonly PhaseConfig[]
  readonly delta: number
  /** The run ends before the first step that would spend more. */
  readonly budget?: number
  /** Default rdp. */
  readonly accountant?: AccountantName
  readonly neighbouring?: Neighbouring
  /** Sums and noise in whole numbers, which no attack on floating point reaches. */
  readonly grid?: boolean | { readonly gridSpacing: number }
  /** Of the parameters, batches and noise; default 0. */
  readonly seed?: number
  /** Batches and noise from the operating system, as protecting people needs. */
  readonly secure?: boolean
  /** Whose presence is hidden, in words: what one example is. */
  readonly unit?: string
  /** Samples in memory at once, or bytes for their gradients; the result does not depend on it. */
  readonly physicalBatchSize?: number | { readonly bytes: number }
  readonly threads?: number
  /** Steps between two measurements; default about an epoch. */
  readonly evaluateEvery?: number
  /** Seconds between two checkpoints; default 30. */
  readonly checkpointSeconds?: number
  /** Folder for what the run leaves, relative to that of the file; default the name of the file without its ending. */
  readonly out?: string
}

/** σ may be 0; as a curve it is above 0. */
const sigma: Schema<ScheduleChoice> = either<ScheduleChoice>(
  'a number of at least 0, or a schedule with a field kind',
  nonNegative,
  schedule,
)
const length = { epochs: optional(positive), steps: optional(count) }

const phase = record<PhaseConfig>({
  ...{ ...length, clip: optional(clipSchema), sampler: optional(samplerSchema), noiseMultiplier: optional(sigma) },
})

const noise: Schema<NoiseChoice> = either<NoiseChoice>(
  'an object with targetEpsilon, or with noiseMultiplier',
  record<{ readonly targetEpsilon: number }>({ targetEpsilon: positive }) as Schema<NoiseChoice>,
  record<{ readonly noiseMultiplier: ScheduleChoice }>({ noiseMultiplier: sigma }) as Schema<NoiseChoice>,
)

/** The schema of a run. */
export const runSchema: Schema<RunConfig> = record<RunConfig>({
  $schema: optional(text('a text')),
  ...{ title: optional(text('a text')), data: optional(dataSchema), model: modelSchema, optimizer: optimizerSchema },
  ...{ clip: optional(clipSchema), sampler: optional(samplerSchema), noise, ...length },
  phases: optional(list(phase, 'a list of phases')),
  ...{ delta: inside, budget: optional(positive) },
  ...{
    accountant: optional(oneOf(accountants)),
    neighbouring: optional(oneOf(neighbouringRelations as readonly ['addOrRemoveOne', ...Neighbouring[]])),
  },
  grid: optional(
    either<boolean | { readonly gridSpacing: number }>(
      'true, false or an object with gridSpacing',
      flag,
      record<{ readonly gridSpacing: number }>({ gridSpacing: positive }),
    ),
  ),
  ...{ seed: optional(wholeNumber), secure: optional(flag), unit: optional(text('a text')) },
  physicalBatchSize: optional(
    either<number | { readonly bytes: number }>(
      'a whole number of at least 1, or an object with bytes',
      count,
      record<{ readonly bytes: number }>({ bytes: count }),
    ),
  ),
  ...{ threads: optional(count), evaluateEvery: optional(count), checkpointSeconds: optional(positive) },
  out: optional(text('the name of a folder')),
})

/** The stretches of a run, each with all that it needs. */
export const stretchesOf = (config: RunConfig): readonly PhaseConfig[] => {
  const { clip, sampler, noise: chosen } = config
  const whole: PhaseConfig = {
    ...(clip === undefined ? {} : { clip }),
    ...(sampler === undefined ? {} : { sampler }),
    noiseMultiplier: 'noiseMultiplier' in chosen ? chosen.noiseMultiplier : 1,
  }
  return config.phases === undefined
    ? [
        {
          ...whole,
          ...(config.epochs === undefined ? {} : { epochs: config.epochs }),
          ...(config.steps === undefined ? {} : { steps: config.steps }),
        },
      ]
    : config.phases.map((own) => ({ ...whole, ...own }))
}

/** What no field can say by itself. */
const together = (config: RunConfig): readonly ConfigProblem[] => {
  const path = (index: number, field: string) => (config.phases === undefined ? [field] : ['phases', index, field])
  const ofPhases = stretchesOf(config).flatMap((stretch, index) => [
    ...(stretch.epochs === undefined && stretch.steps === undefined
      ? [problem(config, path(index, 'epochs'), 'a number above 0, or there must be steps')]
      : []),
    ...(stretch.epochs !== undefined && stretch.steps !== undefined
      ? [problem(config, path(index, 'steps'), 'left out where there are epochs')]
      : []),
    ...(stretch.clip === undefined
      ? [problem(config, path(index, 'clip'), 'a clip rule: an object with a field kind')]
      : []),
    ...(stretch.sampler === undefined
      ? [problem(config, path(index, 'sampler'), 'a selection of batches: an object with a field kind')]
      : []),
  ])
  const twice = (['epochs', 'steps'] as const).filter(
    (field) => config.phases !== undefined && config[field] !== undefined,
  )
  return [...ofPhases, ...twice.map((field) => problem(config, [field], 'left out where there are phases'))]
}

/**
 * A run from what a file holds, or every problem with it.
 *
 * @example
 * parseRun({}) // => E.left of four problems: model, optimizer, noise and delta are missing
 */
export const parseRun = (input: unknown): E.Either<readonly ConfigProblem[], RunConfig> =>
  pipe(
    checked(runSchema)(input),
    E.filterOrElse(
      (config) => together(config).length === 0,
      (config) => together(config),
    ),
  )

/** The schema as JSON Schema, for editors. */
export const runJsonSchema = (): unknown => ({
  ...z.toJSONSchema(runSchema, { io: 'input' }),
  title: 'A private training run of fp-dp',
})
