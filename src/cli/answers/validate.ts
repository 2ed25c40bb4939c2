/**
 * The answer of `fp-dp validate`: problems of a model or a run, or the mended file.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { build, type FixedModel, fix, type ModelSpec, showModelProblem, validate } from '../../models/index.js'
import { key } from '../../sampling/index.js'
import { showShape } from '../../tensor/shape.js'
import { treeSize } from '../../tensor/tree.js'
import type { Answer } from '../command.js'
import type { ValidateOptions } from '../commands/validate.js'
import { badArguments, type Failure } from '../failure.js'
import { writeNamed } from '../output-file.js'
import { readJson } from '../read-text.js'
import { checked } from '../run/config-problems.js'
import { modelSpecFields } from '../run/layer-schema.js'
import { parseRun } from '../run/run-config.js'
import { record } from '../run/schema-parts.js'

type Json = Readonly<Record<string, unknown>>

/** What a file turned out to be. */
interface Judged {
  readonly kind: 'model' | 'run'
  readonly problems: readonly string[]
  /** The model in it, where it is one as plain data and has the shape of one. */
  readonly model: ModelSpec | undefined
  /** The file with another model. */
  readonly withModel: (model: ModelSpec) => unknown
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

const modelSchema = record<ModelSpec>(modelSpecFields)

/** What keeps a model from private training. */
const problemsOf = (model: ModelSpec): readonly string[] =>
  pipe(
    validate(model),
    E.match(
      (problems) => problems.map((problem) => `${showModelProblem(problem)}.`),
      () => [],
    ),
  )

const judgeModel = (json: unknown): Judged =>
  pipe(
    checked(modelSchema)(json),
    E.match(
      (problems): Judged => ({
        ...{ kind: 'model', model: undefined, withModel: (model) => model },
        problems: problems.map(({ sentence }) => sentence.replace(/^The configuration/, 'The model')),
      }),
      (model) => ({ kind: 'model', model, problems: problemsOf(model), withModel: (changed) => changed }),
    ),
  )

const judgeRun = (json: Json): Judged => {
  const ofRun = pipe(
    parseRun(json),
    E.match(
      (problems) => problems.map(({ sentence }) => sentence),
      () => [] as readonly string[],
    ),
  )
  const { kind, ...spec } = isObject(json.model) ? json.model : { kind: undefined }
  const layers = kind === 'layers' ? checked(modelSchema)(spec) : undefined
  const model = layers !== undefined && E.isRight(layers) ? layers.right : undefined
  return {
    ...{ kind: 'run', model },
    problems: [...ofRun, ...(model === undefined ? [] : problemsOf(model).map((sentence) => `model: ${sentence}`))],
    withModel: (changed) => ({ ...json, model: { kind: 'layers', ...changed } }),
  }
}

/** The shape of the output and the number of parameters, or what is in the way. */
const fitted = (model: ModelSpec, inputShape: readonly number[]): E.Either<string, string> =>
  pipe(
    build(model),
    E.mapLeft((problems) => problems.map((problem) => `${showModelProblem(problem)}.`).join(' ')),
    E.chain((rule) =>
      E.tryCatch(
        () => {
          const { params, output } = rule.init(key(0), inputShape)
          return `Takes ${showShape(inputShape)}, gives ${showShape(output)}; ${treeSize(params)} parameters.`
        },
        (cause) =>
          `The model must be one that takes inputs of shape ${showShape(inputShape)} (${(cause as Error).message}).`,
      ),
    ),
  )

const showProblems = (path: string, { kind, problems }: Judged): string =>
  problems.length === 0
    ? `${path} is a valid ${kind}.`
    : [
        `${path}: ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`,
        ...problems.map((one) => `- ${one}`),
      ].join('\n')

const answerFix = async (
  path: string,
  options: ValidateOptions,
  judged: Judged,
  model: ModelSpec,
): Promise<E.Either<Failure, Answer>> => {
  const fixed: FixedModel = fix(model, { batchNorm: options.batchNorm })
  const document = judged.withModel(fixed.model)
  const left = (judged.kind === 'run' ? judgeRun(document as Json) : judgeModel(document)).problems
  const text = `${JSON.stringify(document, null, 2)}\n`
  const written = options.to === undefined ? E.right(undefined) : await writeNamed('--to', options.to, text)
  if (E.isLeft(written)) return written
  return E.right({
    text: [
      fixed.changes.length === 0 ? `${path}: nothing had to be changed.` : `${path}: ${fixed.changes.length} changed`,
      ...fixed.changes.map(({ what }) => `- ${what}`),
      ...(left.length === 0 ? [] : ['What is left to be mended by hand:', ...left.map((one) => `- ${one}`)]),
      '',
      options.to === undefined ? text.trimEnd() : `Written to ${options.to}.`,
    ].join('\n'),
    json: { kind: judged.kind, changes: fixed.changes, problems: left, fixed: document, to: options.to },
    status: left.length === 0 ? 0 : 1,
  })
}

export const answerValidate = async (path: string, options: ValidateOptions): Promise<E.Either<Failure, Answer>> => {
  const { inputShape, to } = options
  if (to !== undefined && !options.fix)
    return E.left(badArguments('--to is where --fix writes: it must not be given without --fix.'))
  const json = await readJson('<file>', path)
  if (E.isLeft(json)) return json
  if (!isObject(json.right))
    return E.left(badArguments(`<file> ${path} must be an object: a model with layers and wiring, or a run.`))
  const judged = 'layers' in json.right || 'wiring' in json.right ? judgeModel(json.right) : judgeRun(json.right)
  if (options.fix && judged.model !== undefined) return answerFix(path, options, judged, judged.model)
  const fit =
    inputShape === undefined || judged.model === undefined || judged.problems.length > 0
      ? undefined
      : fitted(judged.model, inputShape)
  const unfit = fit !== undefined && E.isLeft(fit) ? [fit.left] : []
  const whole: Judged = { ...judged, problems: [...judged.problems, ...unfit] }
  return E.right({
    text: [
      showProblems(path, whole),
      ...(fit !== undefined && E.isRight(fit) ? [fit.right] : []),
      ...(options.fix ? ['--fix mends models whose layers and wiring can be read; there is none here.'] : []),
    ].join('\n'),
    json: { kind: whole.kind, valid: whole.problems.length === 0, problems: whole.problems },
    status: whole.problems.length === 0 ? 0 : 1,
  })
}
