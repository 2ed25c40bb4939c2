/**
 * Privacy events: any, and those that an accountant reads.
 */
import fc, { type Arbitrary } from 'fast-check'
import * as Event from '../../src/privacy/event/event.js'

/** Numbers spread evenly over orders of magnitude. */
export const logUniform = ({ low, high }: { readonly low: number; readonly high: number }): Arbitrary<number> =>
  fc
    .double({ min: Math.log(low), max: Math.log(high), noNaN: true })
    .map((x) => Math.min(high, Math.max(low, Math.exp(x))))

/** Sampling probabilities, both ends included. */
export const samplingProbability: Arbitrary<number> = fc.oneof(
  { weight: 8, arbitrary: logUniform({ low: 1e-6, high: 1 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1) },
)

/** Noise multipliers at which a step spends something like what training spends. */
export const noiseMultiplier: Arbitrary<number> = logUniform({ low: 0.3, high: 100 })

const grade: Arbitrary<Event.NoiseGrade> = fc.constantFrom('float', 'secure', 'discrete')

/** Composition of what `leaf` gives, with samples of it where a rule for them is given. */
const composedOf = (
  leaf: Arbitrary<Event.PrivacyEvent>,
  wrap: (inner: Arbitrary<Event.PrivacyEvent>) => readonly Arbitrary<Event.PrivacyEvent>[] = () => [],
): Arbitrary<Event.PrivacyEvent> =>
  fc.letrec<{ event: Event.PrivacyEvent }>((tie) => ({
    event: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'event', withCrossShrink: true },
      leaf,
      fc.tuple(fc.nat(1000), tie('event')).map(([count, event]) => Event.selfComposed(count)(event)),
      fc.array(tie('event'), { maxLength: 3, depthIdentifier: 'event' }).map(Event.composed),
      ...wrap(tie('event')),
    ),
  })).event

const gaussianEvent: Arbitrary<Event.PrivacyEvent> = fc
  .tuple(noiseMultiplier, grade)
  .map(([sigma, kind]) => Event.gaussian(sigma, kind))

/** Compositions of unsampled Gaussians. */
export const gaussianEvents: Arbitrary<Event.PrivacyEvent> = composedOf(
  fc.oneof({ weight: 6, arbitrary: gaussianEvent }, { weight: 1, arbitrary: fc.constant(Event.noOp) }),
)

/** What the Rényi accountant reads under every neighbouring relation. */
export const rdpEvents: Arbitrary<Event.PrivacyEvent> = composedOf(
  fc.oneof(
    { weight: 4, arbitrary: gaussianEvent },
    {
      weight: 4,
      arbitrary: fc.tuple(samplingProbability, gaussianEvent).map(([q, event]) => Event.poissonSampled(q)(event)),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(samplingProbability, gaussianEvents).map(([q, event]) => Event.poissonSampled(q)(event)),
    },
    { weight: 1, arbitrary: noiseMultiplier.map(Event.laplace) },
    { weight: 1, arbitrary: logUniform({ low: 1e-4, high: 5 }).map(Event.pureDp) },
    { weight: 1, arbitrary: fc.constant(Event.noOp) },
  ),
)

/** Every event there is, its numbers in their domains. */
export const anyEvent: Arbitrary<Event.PrivacyEvent> = composedOf(
  fc.oneof(
    gaussianEvent,
    noiseMultiplier.map(Event.laplace),
    logUniform({ low: 1e-4, high: 5 }).map(Event.pureDp),
    fc.constantFrom(Event.noOp, Event.nonPrivate),
    fc.string({ maxLength: 8 }).map(Event.unsupported),
  ),
  (inner) => [
    fc.tuple(samplingProbability, inner).map(([q, event]) => Event.poissonSampled(q)(event)),
    fc.tuple(fc.integer({ min: 1, max: 9 }), inner).map(([batches, event]) => Event.shuffled(batches)(event)),
    fc
      .tuple(fc.integer({ min: 1, max: 9 }), fc.nat(9), inner)
      .map(([datasetSize, batchSize, event]) => Event.sampledWithoutReplacement({ datasetSize, batchSize })(event)),
  ],
)

/** Events whose numbers may lie anywhere: what comes when nobody has checked a configuration. */
export const uncheckedEvent: Arbitrary<Event.PrivacyEvent> = composedOf(
  fc.oneof(
    fc.double().map((x) => Event.gaussian(x)),
    fc.double().map(Event.laplace),
    fc.double().map(Event.pureDp),
    fc.constant(Event.nonPrivate),
  ),
  (inner) => [
    fc.tuple(fc.double(), inner).map(([q, event]) => Event.poissonSampled(q)(event)),
    fc.tuple(fc.double(), inner).map(([count, event]) => Event.selfComposed(count)(event)),
  ],
)
