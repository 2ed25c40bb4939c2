/**
 * The answer of `fp-dp audit`: bounds from below, each with what it assumes, beside the claim.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { type CanaryScores, countsAt } from '../../privacy/index.js'
import type { LineChart, Point } from '../../report/index.js'
import { claimOf, hear } from '../accounting/ask.js'
import { guessesOf, type LowerBound, lowerBounds } from '../accounting/audit-bounds.js'
import { auditBuiltIn } from '../accounting/built-in-audit.js'
import { describedBy } from '../accounting/described.js'
import { figure, lowerFigure, upperFigure } from '../accounting/figures.js'
import { readScores } from '../accounting/score-file.js'
import { trainingOf } from '../accounting/training.js'
import type { Answer } from '../command.js'
import type { AuditOptions } from '../commands/audit.js'
import { badArgument, badArguments, type Failure } from '../failure.js'
import { checkOutput, writeOutput } from '../output-file.js'
import { csv, table } from '../table.js'
import { type Paint, paintFor, type Terminal } from '../terminal.js'

/** The exit status of a claim that is refuted. */
const REFUTED = 3

/** Scores, and what is claimed of the training that made them. */
interface Case {
  readonly scores: CanaryScores
  readonly claimed: number | undefined
}

const describesTraining = ({ noiseMultiplier, event, phase }: AuditOptions): boolean =>
  noiseMultiplier !== undefined || event !== undefined || phase.length > 0

/** The claim: as given, or the least upper bound of the training that is described. */
const claimFor = async (options: AuditOptions, terminal: Terminal): Promise<E.Either<Failure, number | undefined>> => {
  const { claimedEpsilon, delta } = options
  if (!describesTraining(options)) return E.right(claimedEpsilon)
  if (claimedEpsilon !== undefined)
    return E.left(
      badArguments('--claimed-epsilon and a training that is described say the same: it must be one of them.'),
    )
  return pipe(
    await describedBy(options),
    E.chain(({ event }): E.Either<Failure, number> => {
      const [hearing] = hear(
        event,
        { delta, accountants: ['exact', 'rdp', 'allocation'], relations: ['addOrRemoveOne'] },
        terminal,
      )
      const claim = hearing === undefined ? undefined : claimOf(hearing)
      return claim === undefined
        ? E.left(badArguments('No accountant has a bound for the training that is described: give --claimed-epsilon.'))
        : E.right(claim.bounds.upper)
    }),
  )
}

/** More canaries than this make a model that no longer trains in a moment. */
const MOST_CANARIES = 3000

const trained = (options: AuditOptions, terminal: Terminal): E.Either<Failure, Case> => {
  const { canaries, guesses, delta, significance, seed, claimedEpsilon } = options
  if (options.sampler !== 'poisson' || options.event !== undefined || options.phase.length > 0)
    return E.left(
      badArguments(
        '--train is of Poisson batches: describe it by --noise-multiplier, --sampling-probability and --steps.',
      ),
    )
  if (canaries < 10 || canaries > MOST_CANARIES)
    return E.left(badArgument('--canaries', canaries, `a whole number from 10 to ${MOST_CANARIES}`))
  const most = 2 * Math.floor(canaries / 2)
  if (guesses !== undefined && guesses > most) return E.left(badArgument('--guesses', guesses, `at most ${most}`))
  return pipe(
    trainingOf(options),
    E.chain(({ noiseMultiplier, samplingProbability, steps }): E.Either<Failure, Case> => {
      terminal.progress(`training ${steps} steps with ${canaries} canaries …`)
      return pipe(
        auditBuiltIn({
          ...{
            canaries,
            guesses: guesses ?? 2 * Math.floor(canaries / 10),
            noiseMultiplier,
            samplingProbability,
            steps,
          },
          ...{ delta, significance, seed },
        }),
        E.map(({ scores, claimed }) => ({ scores, claimed: claimedEpsilon ?? claimed })),
      )
    }),
  )
}

const caseOf = async (
  path: string | undefined,
  options: AuditOptions,
  terminal: Terminal,
): Promise<E.Either<Failure, Case>> => {
  if (options.train)
    return path === undefined
      ? trained(options, terminal)
      : E.left(badArguments(`--train makes its own scores: <scores> must not be given, and is '${path}'.`))
  if (path === undefined)
    return E.left(badArguments('<scores> is missing: it must be a file of scores, .csv or .json, or --train.'))
  const scores = await readScores(path)
  if (E.isLeft(scores)) return scores
  const { members, nonMembers } = scores.right
  const count = members.length + nonMembers.length
  if (options.guesses !== undefined && options.guesses > count)
    return E.left(badArgument('--guesses', options.guesses, `at most the number of canaries, ${count}`))
  if (members.length < 2 || nonMembers.length < 2)
    return E.left(badArguments(`<scores> ${path} must hold two members and two non-members at least.`))
  return E.map((claimed: number | undefined) => ({ scores: scores.right, claimed }))(await claimFor(options, terminal))
}

/** True positive rate against false positive rate, at every score. */
const attackCurve = (scores: CanaryScores): readonly Point[] => {
  const counts = countsAt(scores)
  const thresholds = [...new Set([...scores.members, ...scores.nonMembers])].toSorted((a, b) => b - a)
  return thresholds.map((threshold): Point => {
    const { truePositives, members, falsePositives, nonMembers } = counts(threshold)
    return [falsePositives / nonMembers, truePositives / members]
  })
}

const chartOf = ({ scores, claimed }: Case, delta: number): LineChart => {
  const least = 1 / Math.max(10, scores.nonMembers.length)
  const rates = Array.from({ length: 60 }, (_, i) => least ** (1 - i / 59))
  const limit = (epsilon: number): readonly Point[] =>
    rates.map((rate): Point => {
      const spread = Math.exp(epsilon)
      return [rate, Math.min(1, spread * rate + delta, 1 - (1 - delta - rate) / spread)]
    })
  return {
    title: `Attack on ${scores.members.length} members and ${scores.nonMembers.length} others`,
    x: { label: 'false positive rate', scale: 'log', range: [least, 1] },
    panels: [
      {
        label: 'true positive rate',
        scale: 'log',
        range: [least, 1],
        series: [
          { name: 'the attack, as counted', points: attackCurve(scores).filter(([x, y]) => x >= least && y >= least) },
          ...(claimed === undefined
            ? []
            : [
                {
                  name: `most under the claim ε = ${upperFigure(claimed)}, δ = ${figure(delta)}`,
                  points: limit(claimed),
                },
              ]),
          { name: 'guessing', points: rates.map((rate): Point => [rate, rate]), dashed: true },
        ],
      },
    ],
  }
}

const showVerdict = (refuting: readonly LowerBound[], claimed: number | undefined, paint: Paint): readonly string[] => {
  if (claimed === undefined) return []
  const names = refuting.map(({ name }) => name).join(', ')
  return refuting.length > 0
    ? [paint.bold(paint.warning(`Refuted: ε ≤ ${upperFigure(claimed)} is claimed (${names}).`))]
    : [
        `Not refuted: ε ≤ ${upperFigure(claimed)} is claimed. That proves little: a bound is only as good as the canaries and their scores.`,
      ]
}

export const answerAudit = async (
  path: string | undefined,
  options: AuditOptions,
  terminal: Terminal,
): Promise<E.Either<Failure, Answer>> => {
  const writable = await checkOutput(options.output)
  if (E.isLeft(writable)) return writable
  const found = await caseOf(path, options, terminal)
  if (E.isLeft(found)) return found
  const { scores, claimed } = found.right
  const { delta, significance, output } = options
  const bounds = lowerBounds(scores, options)
  terminal.progress('')
  const refuting = claimed === undefined ? [] : bounds.filter(({ counts, epsilon }) => counts && epsilon > claimed)
  if (output !== undefined) {
    const curve = attackCurve(scores)
    const written = await writeOutput(output, {
      chart: chartOf(found.right, delta),
      csv: csv(['false positive rate', 'true positive rate'], curve),
    })
    if (E.isLeft(written)) return written
  }
  const paint = paintFor(terminal)
  return E.right({
    text: [
      `ε at δ = ${figure(delta)} is at least (those that count hold together with confidence ${figure(1 - significance)}):`,
      ...table({
        head: ['bound', 'ε ≥', 'counts', 'assumes'],
        rows: bounds.map(({ name, epsilon, counts, assumes }) => [
          name,
          lowerFigure(epsilon),
          counts ? 'yes' : 'if it holds',
          assumes,
        ]),
        right: [1],
      }),
      ...new Set(bounds.map(({ evidence }) => paint.dim(evidence))),
      '',
      ...showVerdict(refuting, claimed, paint),
      ...(output === undefined ? [] : [`Written to ${output.path}.`]),
    ].join('\n'),
    json: {
      ...{ delta, significance, claimed, refuted: claimed === undefined ? undefined : refuting.length > 0 },
      ...{ members: scores.members.length, nonMembers: scores.nonMembers.length },
      ...{ guesses: options.guesses ?? guessesOf(scores), bounds, output: output?.path },
    },
    status: refuting.length > 0 ? REFUTED : 0,
  })
}
