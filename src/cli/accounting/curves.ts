/**
 * Curves of a training: what stands on each axis, and each accountant's points.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import {
  approximateEpsilonOf,
  exact,
  exactAlong,
  type Neighbouring,
  type PrivacyEvent,
  showAccountingFailure,
  tradeOffOfApproximateDp,
} from '../../privacy/index.js'
import type { Axis, Point } from '../../report/index.js'
import { type BadArguments, badArgument, badArguments } from '../failure.js'
import type { AccountantName } from './accountant-names.js'
import { accountantOf, type Reading } from './accountants.js'
import type { Described } from './described.js'
import { figure } from './figures.js'
import { eventOfPhases, eventOfTraining } from './training.js'
import type { Phase } from './training-flags.js'

/** A curve by one accountant. */
export interface NamedCurve {
  readonly name: string
  readonly points: readonly Point[]
  /** Is it what may be claimed? Else an approximation, or what is there for comparison. */
  readonly claim: boolean
}

/** Axes and curves. */
export interface Curves {
  readonly x: Axis
  readonly y: Axis
  readonly curves: readonly NamedCurve[]
}

/** What curves are made of. */
export interface CurveRequest {
  readonly described: Described
  readonly phases: readonly Phase[]
  readonly accountants: readonly AccountantName[]
  readonly neighbouring: Neighbouring
  readonly delta: number
  readonly points: number
  readonly from: number | undefined
  readonly to: number | undefined
  readonly progress: (line: string) => void
}

type Read<A> = E.Either<BadArguments, A>

const readingOf = (name: AccountantName, neighbouring: Neighbouring, event: PrivacyEvent): Read<Reading> => {
  const accountant = accountantOf(name, neighbouring)
  return accountant === undefined
    ? E.left(badArgument('--accountant', name, 'another one where one record replaces another'))
    : pipe(
        accountant.read(event),
        E.mapLeft((failure) =>
          badArgument('--accountant', name, `one that reads such an event; ${showAccountingFailure(failure)}`),
        ),
      )
}

/** `count` numbers from one to another, evenly. */
const evenly = (from: number, to: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1))

/** The same, evenly in their logarithms. */
const logarithmically = (from: number, to: number, count: number): readonly number[] =>
  evenly(Math.log(from), Math.log(to), count).map(Math.exp)

/** What was released by the first `steps` steps of phases. */
const firstOf = (phases: readonly Phase[], steps: number): PrivacyEvent => {
  let left = steps
  return eventOfPhases(
    phases.flatMap((phase) => {
      const taken = Math.min(left, phase.steps)
      left -= taken
      return taken === 0 ? [] : [{ ...phase, steps: taken }]
    }),
  )
}

/** Accountants whose answers take a good part of a second each are asked at fewer points. */
const MOST_SLOW_POINTS = 12
const isSlow = (name: AccountantName): boolean => ['pld', 'prv', 'allocation'].includes(name)

const range = ({ from, to }: CurveRequest, least: number, most: number): Read<readonly [number, number]> => {
  const ends = [from ?? least, to ?? most] as const
  return ends[0] < ends[1]
    ? E.right(ends)
    : E.left(
        to === undefined
          ? badArgument('--from', ends[0], `below the end of the axis, ${ends[1]}`)
          : badArgument('--to', ends[1], `above its beginning, ${ends[0]}`),
      )
}

const epsilonBySteps = (request: CurveRequest): Read<Curves> => {
  const { described, phases, accountants, neighbouring, delta, points, progress } = request
  const { training } = described
  if (training === undefined && phases.length === 0)
    return E.left(
      badArguments('--event has no steps: epsilon-by-steps needs --noise-multiplier and --steps, or --phase.'),
    )
  const total = training?.steps ?? phases.reduce((sum, { steps }) => sum + steps, 0)
  const after = (steps: number): PrivacyEvent =>
    training === undefined ? firstOf(phases, steps) : eventOfTraining({ ...training, steps })
  const scheme = training?.scheme
  return pipe(
    range(request, 0, total),
    E.chain(([from, to]) => {
      const countsOf = (count: number): readonly number[] => [
        // Denser where the curve begins, and is steep.
        ...new Set(evenly(0, 1, count).map((share) => Math.round(from + (to - from) * share * share))),
      ]
      const curve = (name: AccountantName): Read<NamedCurve> => {
        const counts = countsOf(isSlow(name) ? Math.min(points, MOST_SLOW_POINTS) : points)
        // The steps of one training share their contours.
        if (name === 'exact' && scheme?._tag === 'Poisson') {
          const one = exact({ neighbouring }).interpret(after(1))
          if (E.isRight(one)) {
            const along = exactAlong(delta, neighbouring)(counts)(one.right)
            return E.right({ name, claim: true, points: along.map(({ upper }, i) => [counts[i] as number, upper]) })
          }
        }
        return pipe(
          counts,
          E.traverseArray((steps) => {
            progress(`${name}: step ${steps} of ${total} …`)
            return pipe(
              readingOf(name, neighbouring, after(steps)),
              E.map((reading): Point => [steps, reading.epsilon(delta).upper]),
            )
          }),
          E.map((found) => ({ name, claim: true, points: found })),
        )
      }
      const limit = countsOf(points).flatMap((steps): readonly Point[] => {
        const found = approximateEpsilonOf(delta)(after(steps))
        return E.isRight(found) ? [[steps, found.right.approximate]] : []
      })
      const sampled =
        neighbouring === 'addOrRemoveOne' && !(scheme?._tag === 'Poisson' && scheme.samplingProbability === 1)
      return pipe(
        accountants,
        E.traverseArray(curve),
        E.map((curves) => ({
          x: { label: 'steps' },
          y: { label: `ε at δ = ${figure(delta)}: upper bounds, which may be claimed` },
          curves:
            sampled && limit.length > 0
              ? [...curves, { name: 'central limit: no bound, may understate', points: limit, claim: false }]
              : curves,
        })),
      )
    }),
  )
}

/** Below this, δ is of no interest to anybody. */
const LEAST_DELTA = 1e-12

const deltaByEpsilon = (request: CurveRequest): Read<Curves> => {
  const { described, accountants, neighbouring, points, progress } = request
  return pipe(
    accountants,
    E.traverseArray((name) =>
      pipe(
        readingOf(name, neighbouring, described.event),
        E.map((reading) => ({ name, reading })),
      ),
    ),
    E.chain((readings) => {
      const end = readings[0]?.reading.epsilon(LEAST_DELTA).upper ?? 10
      return pipe(
        range(request, 0, Number.isFinite(end) && end > 0 ? end : 10),
        E.map(([from, to]) => ({
          x: { label: 'ε' },
          y: { label: 'δ: upper bounds, which may be claimed', scale: 'log' as const },
          curves: readings.map(({ name, reading }) => ({
            name,
            claim: true,
            points: evenly(from, to, isSlow(name) ? Math.min(points, MOST_SLOW_POINTS) : points).map(
              (epsilon): Point => {
                progress(`${name}: ε = ${epsilon.toPrecision(3)} …`)
                return [epsilon, reading.delta(epsilon).upper]
              },
            ),
          })),
        })),
      )
    }),
  )
}

/** The rates of a few (ε, δ): each is a bound, so the best of them is, whatever an accountant takes for one more. */
const ratesOfFew = (reading: Reading): Pick<Reading, 'falseNegativeRate' | 'truePositiveRate'> => {
  const end = reading.epsilon(1e-9).upper
  const most = Number.isFinite(end) ? end : 10
  const few = evenly(0, 1, 2 * MOST_SLOW_POINTS).map((share) => {
    const epsilon = most * share * share
    return { epsilon, delta: reading.delta(epsilon).upper }
  })
  return {
    falseNegativeRate: (rate) => Math.max(...few.map((one) => tradeOffOfApproximateDp(one)(rate))),
    truePositiveRate: (rate) =>
      Math.min(
        1,
        ...few.map(({ epsilon, delta }) => Math.exp(epsilon) * rate + delta),
        ...few.map(({ epsilon, delta }) => -Math.expm1(-epsilon) + Math.exp(-epsilon) * (delta + rate)),
      ),
  }
}

const rates = (request: CurveRequest, kind: 'trade-off' | 'roc'): Read<Curves> => {
  const { described, accountants, neighbouring, points, progress } = request
  const least = kind === 'roc' ? 1e-5 : 0
  if ((request.to ?? 0) > 1) return E.left(badArgument('--to', request.to, 'a false positive rate, at most 1'))
  if (kind === 'roc' && request.from === 0)
    return E.left(badArgument('--from', 0, 'above 0 for roc, whose axis is logarithmic'))
  return pipe(
    range(request, least, 1),
    E.chain(([from, to]) => {
      const at = (count: number): readonly number[] =>
        kind === 'roc' ? logarithmically(from, to, count) : evenly(from, to, count)
      const guessing: NamedCurve = {
        name: 'guessing',
        claim: false,
        points: at(points).map((rate): Point => [rate, kind === 'roc' ? rate : 1 - rate]),
      }
      return pipe(
        accountants,
        E.traverseArray((name) =>
          pipe(
            readingOf(name, neighbouring, described.event),
            E.map((whole): NamedCurve => {
              progress(`${name} …`)
              const reading = isSlow(name) ? ratesOfFew(whole) : whole
              return {
                name,
                claim: true,
                points: at(points).map((rate): Point => {
                  const clamped = Math.min(1, rate)
                  return [rate, kind === 'roc' ? reading.truePositiveRate(clamped) : reading.falseNegativeRate(clamped)]
                }),
              }
            }),
          ),
        ),
        E.map((curves) => ({
          x: {
            label: 'false positive rate of a test for one record',
            scale: kind === 'roc' ? ('log' as const) : ('linear' as const),
          },
          y:
            kind === 'roc'
              ? { label: 'true positive rate: no test has more', scale: 'log' as const }
              : { label: 'false negative rate: no test has less', range: [0, 1] as const },
          curves: [...curves, guessing],
        })),
      )
    }),
  )
}

/** The curves of a kind. */
export const curvesOf =
  (kind: 'epsilon-by-steps' | 'delta-by-epsilon' | 'trade-off' | 'roc') =>
  (request: CurveRequest): Read<Curves> => {
    switch (kind) {
      case 'epsilon-by-steps':
        return epsilonBySteps(request)
      case 'delta-by-epsilon':
        return deltaByEpsilon(request)
      default:
        return rates(request, kind)
    }
  }
