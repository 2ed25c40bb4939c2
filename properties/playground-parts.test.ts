import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import {
  type Answer,
  type CurvePoint,
  exactAnswers,
  instantAnswers,
  stepCounts,
} from '../playground/src/calculator/answers.js'
import { deltaChart, stepsChart, tradeOffChart } from '../playground/src/calculator/curves.js'
import { sampledSteps } from '../playground/src/calculator/epochs.js'
import { eventOf, type Query, queryFields, relations } from '../playground/src/calculator/query.js'
import {
  answered,
  asked,
  claimOf,
  epsilonOfMethod,
  isFresh,
  noResults,
  type Results,
  tradeOffFrom,
} from '../playground/src/calculator/results.js'
import type { Chart } from '../playground/src/chart/line-chart.js'
import { place, type Scale, ticksOf, valueUnder } from '../playground/src/chart/scale.js'
import {
  type Field,
  initialValues,
  moved,
  parseField,
  positionOf,
  STOPS,
  valueAt,
} from '../playground/src/page/field.js'
import { linkOf, type PageSettings, settingsFromLink } from '../playground/src/page/link.js'
import { shown, typed } from '../playground/src/page/number-text.js'
import { budgetFor, spend } from '../playground/src/training/budget.js'
import { binned } from '../playground/src/training/norm-histogram.js'
import { advance, begin, change, type Run, stepEvent } from '../playground/src/training/run.js'
import { TRAINING_DELTA, type TrainingSettings, trainingFields } from '../playground/src/training/training-settings.js'
import { drawDigits } from '../src/data/index.js'
import { Event, epsilonOf, exact, type PrivacyEvent, rdp, tradeOff } from '../src/privacy/index.js'
import { key } from '../src/sampling/index.js'
import { wasm } from '../src/tensor/index.js'

const fields: readonly Field[] = [...Object.values(queryFields), ...Object.values(trainingFields)]
const field = fc.constantFrom(...fields)
const position = fc.integer({ min: 0, max: STOPS })

/** What the sliders can choose. */
const chosen = <Name extends string>(of: Readonly<Record<Name, Field>>): fc.Arbitrary<Record<Name, number>> => {
  const names = Object.keys(of) as unknown as readonly Name[]
  return fc
    .tuple(...names.map((name) => position.map((at) => [name, valueAt(of[name], at)] as const)))
    .map((entries) => Object.fromEntries(entries) as Record<Name, number>)
}

const query: fc.Arbitrary<Query> = fc
  .tuple(chosen(queryFields), fc.constantFrom(...relations))
  .map(([values, neighbouring]) => ({ ...values, neighbouring }))

const resultsOf = (of: Query, answers: Iterable<Answer>): Results => {
  const first = asked(of)(noResults(of))
  return [...answers].reduce<Results>((results, answer) => answered(first.latest, answer)(results), first)
}

describe('a field', () => {
  it('allows every value of its slider, which goes back to where it came from', () => {
    for (const one of fields)
      for (let at = 0; at <= STOPS; at++) {
        const value = valueAt(one, at)
        expect(one.allows(value), `${one.name} ${value}`).toBe(true)
        // Rounding may move it by less than a place.
        const back = positionOf(one, value)
        expect(valueAt(one, back - 1)).toBeLessThanOrEqual(value)
        expect(valueAt(one, back + 1)).toBeGreaterThanOrEqual(value)
        expect(parseField(one)(typed(value))).toEqual(E.right(value))
      }
  })

  it('moves by every key press until an end of the slider', () => {
    fc.assert(
      fc.property(field, position, fc.constantFrom(1, -1, STOPS / 10, -STOPS / 10), (one, at, by) => {
        const value = valueAt(one, at)
        const next = moved(one, value, by)
        if (value === valueAt(one, by > 0 ? STOPS : 0)) expect(next).toBe(value)
        else expect(Math.sign(next - value)).toBe(Math.sign(by))
      }),
    )
  })

  it('refuses what is no number that it allows, in a sentence', () => {
    for (const text of ['', ' ', 'x', 'NaN', 'Infinity', '-1', '1e400', '0x', '1,2,3'])
      for (const one of fields) expect(E.isLeft(parseField(one)(text)), `${one.name} ${text}`).toBe(true)
    expect(E.isLeft(parseField(queryFields.steps)('1.5'))).toBe(true)
    expect(parseField(queryFields.noiseMultiplier)(' 1,5 ')).toEqual(E.right(1.5))
  })
})

describe('epochs', () => {
  it('become steps that cover them, and no more than one step too many', () => {
    const count = fc.integer({ min: 1, max: 10_000 })
    fc.assert(
      fc.property(count, count, count, (batchSize, more, epochs) => {
        const datasetSize = batchSize + more
        const found = sampledSteps({ datasetSize, batchSize, epochs })
        if (E.isLeft(found)) throw new Error(found.left.parameter)
        const { samplingProbability, steps } = found.right
        expect(samplingProbability).toBe(batchSize / datasetSize)
        expect(steps * samplingProbability).toBeGreaterThanOrEqual(epochs * (1 - 1e-12))
        expect((steps - 1) * samplingProbability).toBeLessThan(epochs * (1 + 1e-12))
      }),
    )
  })

  it('are refused where they are none', () => {
    const fine = { datasetSize: 100, batchSize: 10, epochs: 3 }
    for (const [part, parameter] of [
      [{ datasetSize: Number.NaN }, 'dataset size'],
      [{ batchSize: 101 }, 'batch size'],
      [{ batchSize: 0 }, 'batch size'],
      [{ epochs: -1 }, 'epochs'],
      [{ epochs: 1e12 }, 'epochs'],
    ] as const) {
      const found = sampledSteps({ ...fine, ...part })
      expect(E.isLeft(found) && found.left.parameter).toBe(parameter)
    }
  })
})

describe('a link', () => {
  it('brings back the settings that it was made of', () => {
    fc.assert(
      fc.property(query, chosen(trainingFields), (of, training) => {
        const settings: PageSettings = { query: of, training }
        expect(settingsFromLink(`#${linkOf(settings)}`)).toEqual({ settings, problems: [] })
      }),
    )
  })

  it('has an answer for any text, and the values of the page for what it cannot read', () => {
    const begun = settingsFromLink('')
    expect(linkOf(begun.settings)).toBe('')
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(...fields), (text, one) => {
        const { settings, problems } = settingsFromLink(`#${new URLSearchParams([[one.name, text]])}`)
        const isRead = E.isRight(parseField(one)(text))
        expect(problems.length).toBe(isRead ? 0 : 1)
        if (!isRead) expect(settings).toEqual(begun.settings)
        settingsFromLink(text)
      }),
    )
  })
})

describe('numbers for people', () => {
  it('never claim less than an upper bound or more than a lower one', () => {
    const number = fc
      .tuple(
        fc.double({ min: 1, max: 10, noNaN: true }),
        fc.integer({ min: -300, max: 300 }),
        fc.integer({ min: -6, max: 9 }),
      )
      .chain(([mantissa, far, near]) => fc.constantFrom(mantissa * 10 ** far, mantissa * 10 ** near))
    fc.assert(
      fc.property(number, fc.integer({ min: 2, max: 6 }), (value, digits) => {
        const read = (text: string): number => Number(text.replaceAll(',', ''))
        const [up, down] = [read(shown(value, digits, 'up')), read(shown(value, digits, 'down'))]
        expect(up).toBeGreaterThanOrEqual(value)
        expect(down).toBeLessThanOrEqual(value)
        expect(up - down).toBeLessThanOrEqual(value * 10 ** (1.001 - digits))
      }),
    )
    expect(shown(Infinity)).toBe('∞')
    expect(shown(2.21035, 4, 'up')).toBe('2.211')
  })
})

describe('results', () => {
  it('claim the least end that is proved, for the latest query alone', () => {
    fc.assert(
      fc.property(query, (of) => {
        const results = resultsOf(of, instantAnswers(of))
        for (const relation of relations) {
          const claim = claimOf(results, relation)
          const bounds = epsilonOf(rdp({ neighbouring: relation }), of.delta)(eventOf(of))
          expect(claim?.upper).toBeLessThanOrEqual(E.isRight(bounds) ? bounds.right.upper : Number.NaN)
          expect(claim?.method).not.toBe('limit')
        }
        const next = asked({ ...of, steps: of.steps + 1 })(results)
        expect(claimOf(next, of.neighbouring)).toBeUndefined()
        expect(isFresh(next, epsilonOfMethod(next, 'rdp', of.neighbouring))).toBe(false)
        // An answer that comes too late changes nothing.
        const [late] = instantAnswers(of)
        expect(answered(results.latest, late as Answer)(next)).toBe(next)
      }),
      { numRuns: 40 },
    )
  })

  const isDrawable = ({ x, y, layers, summary }: Chart): void => {
    for (const { kind, domain } of [x, y]) {
      expect(domain[0]).toBeLessThan(domain[1])
      expect(domain.every(Number.isFinite)).toBe(true)
      if (kind === 'log') expect(domain[0]).toBeGreaterThan(0)
    }
    expect(summary).not.toMatch(/NaN|undefined/)
    for (const layer of layers)
      if (layer._tag === 'Curve') for (const { at } of layer.points) expect(Number.isNaN(at)).toBe(false)
  }

  it('have charts whatever was asked, before the first answer too', () => {
    fc.assert(
      fc.property(query, (of) => {
        for (const results of [noResults(of), resultsOf(of, instantAnswers(of))])
          for (const drawing of [stepsChart(results), deltaChart(results), tradeOffChart(results)])
            isDrawable(drawing.chart)
      }),
      { numRuns: 40 },
    )
  })

  it('ask for steps around T, in rising order', () => {
    fc.assert(
      fc.property(query, (of) => {
        const counts = stepCounts(of)
        expect(counts).toContain(of.steps)
        expect(
          counts.every((count, k) => Number.isInteger(count) && count >= 1 && (k === 0 || count > counts[k - 1]!)),
        ).toBe(true)
      }),
    )
  })

  it('bound the trade-off from below, and closely', () => {
    const of: Query = { ...initialValues(queryFields), neighbouring: 'addOrRemoveOne' }
    const event = eventOf(of)
    const points = [...exactAnswers(of)].flatMap((answer): readonly CurvePoint[] =>
      answer._tag === 'Points' && answer.curve === 'delta' ? answer.points : [],
    )
    const curve = exact().interpret(event)
    if (E.isLeft(curve)) throw new Error('the exact accountant reads DP-SGD')
    for (const { at, lower } of tradeOffFrom(points).filter((_, k) => k % 10 === 5)) {
      const truth = tradeOff(exact())(at)(curve.right)
      expect(lower).toBeLessThanOrEqual(truth + 1e-9)
      expect(lower).toBeGreaterThan(truth - 0.01)
    }
  })
})

describe('a number line', () => {
  const scale: fc.Arbitrary<Scale> = fc
    .tuple(
      fc.constantFrom('linear' as const, 'log' as const),
      fc.double({ min: 1e-12, max: 1e6, noNaN: true }),
      fc.double({ min: 1.5, max: 1e9, noNaN: true }),
    )
    .map(([kind, least, factor]) => ({ kind, domain: [least, least * factor], range: [40, 300] }))

  it('finds back what it placed, and marks what it holds', () => {
    fc.assert(
      fc.property(
        scale,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 2, max: 9 }),
        (line, share, count) => {
          const value = valueUnder(line, 40 + 260 * share)
          expect(Math.abs(place(line, value) - (40 + 260 * share))).toBeLessThan(1e-6)
          const ticks = ticksOf(line, count)
          expect(ticks.length).toBeLessThan(60)
          for (const tick of ticks) {
            expect(place(line, tick.value)).toBeGreaterThan(40 - 1e-6)
            expect(place(line, tick.value)).toBeLessThan(300 + 1e-6)
          }
        },
      ),
    )
  })
})

describe('the histogram', () => {
  it('counts every norm that is a number once', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0 })), (norms) => {
        const counts = binned(norms)
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(
          norms.filter((norm) => norm >= 0 && norm < Infinity).length,
        )
      }),
    )
  })
})

describe('a run', () => {
  const backend = wasm({ threads: 1 })
  const data = drawDigits({ count: 60, key: key(5) })
  const settings: TrainingSettings = { ...initialValues(trainingFields), samplingProbability: 0.2 }
  const right = <A>(found: E.Either<unknown, A>): A => {
    if (E.isLeft(found)) throw new Error(JSON.stringify(found.left))
    return found.right
  }
  const steps = (run: Run, count: number): Run => {
    let current = run
    for (let k = 0; k < count; k++) {
      const step = advance(current, data)
      if (step === undefined) return current
      current = step.run
    }
    return current
  }
  const times = (count: number, event: PrivacyEvent): PrivacyEvent => Event.selfComposed(count)(event)

  it('has in its ledger what it did, whatever was changed and how often', () => {
    const begun = right(begin(settings, data, backend))
    const noisier = { ...settings, noiseMultiplier: 2 }
    const first = steps(begun, 3)
    // Settings that no step was taken under leave no trace, and neither do C and the learning rate.
    const passed = right(change(right(change(first, noisier, data, backend)), settings, data, backend))
    expect(passed.phases).toEqual(first.phases)
    const second = steps(right(change(first, { ...settings, clipNorm: 0.5, learningRate: 0.1 }, data, backend)), 2)
    const third = steps(right(change(second, noisier, data, backend)), 4)
    expect(Event.normalise(third.state.ledger)).toEqual(
      Event.normalise(Event.composed([times(5, stepEvent(settings)), times(4, stepEvent(noisier))])),
    )
    expect(third.phases.map(({ from }) => from)).toEqual([0, 3, 5])
    expect(third.plan.spent(third.state.ledger)).toEqual(right(epsilonOf(rdp(), TRAINING_DELTA)(third.state.ledger)))
    expect(third.state.step).toBe(9)
  })

  it('is not changed by a change that is none: the same steps have the same bits', () => {
    const begun = right(begin(settings, data, backend))
    const straight = steps(begun, 4)
    const interrupted = steps(right(change(steps(begun, 2), settings, data, backend)), 2)
    expect(interrupted.state).toEqual(straight.state)
  })

  it('ends before the step that would exceed its budget, which a change does not move', () => {
    const tight = right(begin({ ...settings, epsilonBudget: 6 }, data, backend))
    const some = steps(tight, 1)
    const louder = right(change(some, { ...settings, noiseMultiplier: 0.8, epsilonBudget: 50 }, data, backend))
    const ended = steps(louder, 200)
    expect(advance(ended, data)).toBeUndefined()
    expect(ended.state.step).toBeGreaterThan(1)
    expect(right(epsilonOf(rdp(), TRAINING_DELTA)(ended.state.ledger)).upper).toBeLessThanOrEqual(6)
    // One more step would be too much at the order of the filter.
    expect(spend(ended.budget, stepEvent({ ...settings, noiseMultiplier: 0.8 }))).toBeUndefined()
  })

  it('says when no step fits into a budget', () => {
    const found = begin({ ...settings, noiseMultiplier: 0.2, epsilonBudget: 0.1 }, data, backend)
    expect(E.isLeft(found) && found.left[0].parameter).toBe('privacy budget')
  })

  it('has a filter whose order admits nearly as many steps as Rényi accounting of the whole does', () => {
    const event = stepEvent(settings)
    const target = { epsilon: 6, delta: TRAINING_DELTA }
    let budget = right(budgetFor(target, event))
    let count = 0
    for (let next = spend(budget, event); next !== undefined; next = spend(budget, event)) {
      budget = next
      count++
    }
    const after = (steps: number): number => right(epsilonOf(rdp(), TRAINING_DELTA)(times(steps, event))).upper
    expect(after(count)).toBeLessThanOrEqual(6)
    expect(after(Math.ceil(1.15 * count) + 1)).toBeGreaterThan(6)
  })
})
