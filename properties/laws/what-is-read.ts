/**
 * What every accountant makes of every kind of event under every relation: reached, a bound, or refused.
 */
import * as E from 'fp-ts/lib/Either.js'
import {
  type Accountant,
  type AccountingFailure,
  allocation,
  approximateDp,
  type Bounds,
  Event,
  epsilonOf,
  exact,
  gdp,
  type Neighbouring,
  neighbouringRelations,
  type PrivacyEvent,
  pld,
  prv,
  rdp,
} from '../../src/privacy/index.js'

type Answer = E.Either<AccountingFailure, Bounds>

const DELTA = 1e-5

const asked =
  <Curve>(accountant: Accountant<Curve>) =>
  (event: PrivacyEvent): Answer =>
    epsilonOf(accountant, DELTA)(event)

interface Asked {
  readonly name: string
  /** Undefined where there is no such accountant. */
  readonly under: (neighbouring: Neighbouring) => ((event: PrivacyEvent) => Answer) | undefined
  /** Ends of ε no farther apart than this share of the upper one meet; a thousandth if not given. */
  readonly meet?: number
}

const accountants: readonly Asked[] = [
  { name: 'exact', under: (neighbouring) => asked(exact({ neighbouring })) },
  { name: 'pld', under: (neighbouring) => asked(pld({ neighbouring })) },
  // Its ends stand a hundredth of ε to either side; closer ones take as many more points.
  { name: 'prv', under: (neighbouring) => asked(prv({ neighbouring })), meet: 0.025 },
  { name: 'rdp', under: (neighbouring) => asked(rdp({ neighbouring })) },
  { name: 'gdp', under: (neighbouring) => asked(gdp({ neighbouring })) },
  {
    name: 'allocation',
    under: (neighbouring) => (neighbouring === 'replaceOne' ? undefined : asked(allocation({ neighbouring }))),
  },
  { name: 'approximateDp', under: (neighbouring) => asked(approximateDp({ neighbouring })) },
]

const signOf = (
  { name, under, meet = 1e-3 }: Asked,
  event: PrivacyEvent,
  neighbouring: Neighbouring,
): '●' | '○' | '–' => {
  const answer = under(neighbouring)?.(event)
  if (answer === undefined || E.isLeft(answer)) return '–'
  const { lower, upper } = answer.right
  if (!(lower <= upper)) throw new Error(`${name} has ε of ${Event.showEvent(event)} in [${lower}, ${upper}]`)
  // ∞ meets itself.
  return lower === upper || upper - lower <= Math.max(1e-6, meet * upper) ? '●' : '○'
}

/** A kind of event, and one of its kind. */
type Kind = readonly [name: string, event: PrivacyEvent]
type Sampler = readonly [name: string, sampled: (event: PrivacyEvent) => PrivacyEvent]
type SamplerTag = Exclude<PrivacyEvent, Event.Mechanism | Event.Composed | Event.SelfComposed>['_tag']
type LimitTag = 'NoOp' | 'NonPrivate' | 'Unsupported'

const limits: { readonly [T in LimitTag]: Kind } = {
  NoOp: ['no-op', Event.noOp],
  NonPrivate: ['non-private', Event.nonPrivate],
  Unsupported: ['unsupported', Event.unsupported('whatever it is')],
}

const gaussian = Event.gaussian(1)

/** One release, as a query or a step of training would have it. */
const mechanisms: { readonly [T in Exclude<Event.Mechanism['_tag'], LimitTag>]: Kind } = {
  Gaussian: ['Gaussian', gaussian],
  TreeAggregation: ['tree aggregation', Event.treeAggregation({ noiseMultiplier: Math.sqrt(10), steps: 1000 })],
  MatrixFactorisation: ['matrix factorisation', Event.matrixFactorisation({ noiseMultiplier: 4, sensitivity: 4 })],
  MixtureOfGaussians: [
    'mixture of Gaussians',
    Event.mixtureOfGaussians({
      noiseMultiplier: 2,
      sensitivities: [1, 2],
      probabilities: [0.5, 0.5],
    }),
  ],
  DiscreteGaussian: ['discrete Gaussian', Event.discreteGaussian({ sigma: 4, sensitivity: 4 })],
  Laplace: ['Laplace', Event.laplace(2)],
  DiscreteLaplace: ['discrete Laplace', Event.discreteLaplace({ scale: 8, sensitivity: 4 })],
  PureDp: ['ε-DP', Event.pureDp(0.5)],
  ApproximateDp: ['(ε, δ)-DP', Event.approximateDp({ epsilon: 0.5, delta: 1e-9 })],
  RandomizedResponse: ['randomised response', Event.randomizedResponse({ noiseParameter: 0.5, buckets: 4 })],
  ExponentialMechanism: ['exponential mechanism', Event.exponentialMechanism(0.5)],
  ZeroConcentratedDp: ['zCDP', Event.zeroConcentratedDp(0.1)],
}

/** Batches of an epoch; shuffled and allocated ones five times. */
const [datasetSize, batchSize] = [60_000, 1200]
const samplingProbability = batchSize / datasetSize
const batches = datasetSize / batchSize
const steps = Event.selfComposed(batches)
const epochs = Event.selfComposed(5)
/** Of fewer releases of noise on a grid `prv` may have no lower end. */
const releases = Event.selfComposed(20)

const poisson = Event.poissonSampled(samplingProbability)
const withoutReplacement = Event.sampledWithoutReplacement({ datasetSize, batchSize })
const truncatedAt = (truncatedBatchSize: number) =>
  Event.truncatedPoissonSampled({ datasetSize, samplingProbability, truncatedBatchSize })
const allocated = (participations: number) => Event.randomAllocation({ steps: batches, participations })

const samplers: { readonly [T in SamplerTag]: Sampler } = {
  PoissonSampled: ['Poisson sample', (event) => steps(poisson(event))],
  // One in fourteen is cut.
  TruncatedPoissonSampled: ['truncated Poisson sample', (event) => steps(truncatedAt(1250)(event))],
  SampledWithoutReplacement: ['batch without replacement', (event) => steps(withoutReplacement(event))],
  SampledWithReplacement: [
    'batch with replacement',
    (event) => steps(Event.sampledWithReplacement({ datasetSize, batchSize })(event)),
  ],
  RandomAllocation: ['random allocation (balls and bins)', (event) => epochs(allocated(1)(event))],
  Shuffled: ['shuffled epoch', (event) => epochs(Event.shuffled(batches)(event))],
  RepeatAndSelect: ['best of a random number of runs', Event.repeatAndSelect({ mean: 10, shape: 1 })],
}

const training = steps(poisson(gaussian))
const epoch = epochs(allocated(1)(gaussian))

/** Samples of more than one mechanism, samples of samples, and compositions of unlike events. */
const more: readonly Kind[] = [
  ['Poisson sample: several Gaussians', steps(poisson(Event.composed([gaussian, Event.gaussian(2)])))],
  ['Poisson sample: Poisson sample of a Gaussian', steps(Event.poissonSampled(0.1)(poisson(gaussian)))],
  ['Poisson sample: batch without replacement', steps(Event.poissonSampled(0.1)(withoutReplacement(gaussian)))],
  ['truncated Poisson sample, hardly ever cut: Gaussian', steps(truncatedAt(1.5 * batchSize)(gaussian))],
  ['random allocation, four steps of each: Gaussian', allocated(4)(gaussian)],
  ['Gaussian + Poisson samples of Gaussians', Event.composed([Event.gaussian(4), training])],
  ['Laplace + Poisson samples of Gaussians', Event.composed([Event.laplace(2), training])],
  ['Gaussian + random allocation of Gaussians', Event.composed([Event.gaussian(4), epoch])],
]

/** Names of kinds, and what each accountant makes of them. */
type Row = readonly [names: readonly string[], cells: readonly string[]]

/** A row for all kinds that are treated alike, at the place of the first. */
const rowsOf = (kinds: readonly Kind[]): readonly Row[] => {
  const rows = new Map<string, Row>()
  for (const [name, event] of kinds) {
    const cells = accountants.map((accountant) =>
      neighbouringRelations.map((neighbouring) => signOf(accountant, event, neighbouring)).join(''),
    )
    const key = cells.join()
    rows.set(key, [[...(rows.get(key)?.[0] ?? []), name], cells])
  }
  return [...rows.values()]
}

const isMost = ([names]: Row): boolean => 2 * names.length > Object.keys(mechanisms).length

const rowsOfSampler = ([name, sampled]: Sampler): readonly Row[] => {
  const rows = rowsOf(Object.values(mechanisms).map(([mechanism, event]): Kind => [mechanism, sampled(event)]))
  const named = (row: Row): Row => [[`${name}: ${row[0].join(', ')}`], row[1]]
  const rest = rows
    .filter(isMost)
    .map(([, cells]): Row => [[`${name}: ${rows.length === 1 ? 'any' : 'any other'} mechanism`], cells])
  return [...rows.filter((row) => !isMost(row)).map(named), ...rest]
}

/**
 * The table in Markdown: a row for each kind of event, a column for each accountant, a sign for each relation in the order of
 * `neighbouringRelations`. ● where the two ends of ε at δ = 1e-5 meet, ○ where they do not, – where the answer is a failure.
 *
 * Cost   some ten seconds
 */
export const whatIsRead = (): string => {
  const rows = [
    ...rowsOf(Object.values(limits)),
    ...rowsOf(Object.values(mechanisms).map(([name, event]): Kind => [name, releases(event)])),
    ...Object.values(samplers).flatMap(rowsOfSampler),
    ...more.flatMap((kind) => rowsOf([kind])),
  ].map(([names, cells]) => [names.join(', '), ...cells])
  const table = [['event', ...accountants.map(({ name }) => `\`${name}\``)], ...rows]
  const widths = table.reduce<readonly number[]>(
    (most, row) => row.map((cell, at) => Math.max(most[at] ?? 0, cell.length)),
    [],
  )
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const [head, ...body] = table.map((row) => line(row.map((cell, at) => cell.padEnd(widths[at] ?? 0))))
  return [head, line(widths.map((width) => '-'.repeat(width))), ...body].join('\n')
}
