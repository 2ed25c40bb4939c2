import { describe, expect, it } from 'vitest'
import { epsilonOf } from '../src/privacy/accountant.js'
import { auditMembership, auditOneRun, type OneRunFindings } from '../src/privacy/audit/experiment.js'
import { exact } from '../src/privacy/exact/accountant.js'
import { epsilonOfGdp } from '../src/privacy/gdp.js'
import { foldIn, key, split } from '../src/sampling/key.js'
import { standardNormals } from '../src/sampling/normal.js'
import { toArray } from '../src/tensor/tensor.js'
import {
  CANARIES,
  CLIP,
  claimedEvent,
  correctPipeline,
  type Fault,
  faults,
  initialParams,
  type Pipeline,
  recordsOf,
  releasesOf,
  stepOf,
} from './arbitraries/audited-pipeline.js'
import { rightOf } from './laws/accountant.js'

const level = { significance: 0.01, delta: 1e-5 }
const columns = (rows: readonly (readonly number[])[]): readonly (readonly number[])[] =>
  (rows[0] ?? []).map((_, i) => rows.map((row) => row[i] as number))

/** How an attacker scores a canary by what was released of it, step by step. */
const attacks = {
  /** The sum over all steps: the best where every record is in every batch. */
  sum: (releases: readonly number[]) => releases.reduce((a, b) => a + b, 0),
  /** How far releases differ: with noise that repeats, they differ by the canary alone. */
  spread: (releases: readonly number[]) => Math.max(...releases) - Math.min(...releases),
  /** The one step in which the canary would stand, if batches followed the order of the records, eight of them before it. */
  inOrder: (releases: readonly number[], place: number) => releases[place % releases.length] as number,
} as const

const audited = (
  pipeline: Pipeline,
  attack: keyof typeof attacks,
  seed: number,
): OneRunFindings & { readonly claimed: number } => {
  const findings = auditOneRun({
    ...level,
    canaries: CANARIES,
    guesses: 150,
    train: (members, trainingKey) => {
      // Where a canary would stand in the dataset: after the others, and the members before it.
      let before = 8
      const places = members.map((member) => (member ? before++ : before))
      return columns(releasesOf(pipeline)(members, trainingKey)).map((releases, i) =>
        attacks[attack](releases, places[i] as number),
      )
    },
  })(key(seed))
  return { ...findings, claimed: rightOf(epsilonOf(exact(), level.delta)(claimedEvent(pipeline))).upper }
}

const fullBatch = correctPipeline({ noiseMultiplier: 2, samplingProbability: 1, steps: 4 })
const sampled = correctPipeline({ noiseMultiplier: 4, samplingProbability: 0.5, steps: 6 })
const thin = correctPipeline({ noiseMultiplier: 0.8, samplingProbability: 0.02, steps: 50 })

/** A residual: the released sum less the clipped one, at the numbers that no record of the batch touches. */
const residual = (pipeline: Pipeline, members: readonly boolean[], step: number): readonly number[] => {
  const [sampling, noise] = split(2)(key(77))
  const { mean } = stepOf(pipeline, recordsOf(members), { sampling, noise })(initialParams, step)
  return mean.filter((_, i) => i < CANARIES && !(members[i] ?? false)).map((x) => x * 100)
}
const nobody = Array.from({ length: CANARIES }, () => false)
const half = nobody.map((_, i) => i % 2 === 0)
const deviation = (values: readonly number[]): number =>
  Math.sqrt(values.reduce((s, x) => s + x * x, 0) / values.length)

/** Properties of a step, each of which says whether it holds. */
const properties: Readonly<Record<string, (pipeline: Pipeline) => boolean>> = {
  'the noise has deviation σC': (pipeline) => {
    const sum = { _tag: 'BoundedSum', sum: initialParams, l2Bound: CLIP } as const
    const found = deviation(toArray(pipeline.noise(key(3), 0)(sum).value.weight))
    return Math.abs(found / (pipeline.noiseMultiplier * CLIP) - 1) < 5 / Math.sqrt(2 * CANARIES)
  },
  'one record moves the sum by no more than C': (pipeline) => {
    const one = nobody.map((_, i) => i === 5)
    const [without, withIt] = [nobody, one].map((members) =>
      toArray(pipeline.sum(initialParams, recordsOf(members)).sum.weight),
    ) as [number[], number[]]
    const moved = Math.sqrt(withIt.reduce((s, x, i) => s + (x - (without[i] as number)) ** 2, 0))
    return moved <= CLIP
  },
  'the divisor is the same whatever the batch': (pipeline) => {
    const few = residual(pipeline, nobody, 0)
    const many = residual(pipeline, half, 0)
    // The same key, so the same noise at the numbers that neither touches.
    const shared = nobody.flatMap((_, i) => (half[i] ? [] : [i]))
    return shared.every((i, at) => Math.abs((few[i] as number) - (many[at] as number)) < 1e-3)
  },
  'noise never repeats': (pipeline) => {
    const [first, second] = [residual(pipeline, nobody, 0), residual(pipeline, nobody, 1)]
    return first.every((x, i) => x !== second[i])
  },
  'records are drawn independently of their places': (pipeline) => {
    // Of 50 rounds of draws of 100 records, how often is record 3 with record 3 + 1/q? By its coin: q² of them.
    const [rounds, q] = [400, pipeline.samplingProbability]
    const other = 3 + Math.round(1 / q)
    let together = 0
    for (let step = 0; step < rounds; step++) {
      const batch = Array.from(pipeline.sample(key(5), step)(200))
      if (batch.includes(3) && batch.includes(other)) together++
    }
    return together / rounds <= q * q + 5 * Math.sqrt((q * q * (1 - q * q)) / rounds)
  },
}

describe('a correct training passes audits and properties', () => {
  it.each(Object.entries(properties))('%s', (_, holds) => {
    for (const pipeline of [fullBatch, sampled, thin]) expect(holds(pipeline)).toBe(true)
  })

  it.each([
    ['full batches', fullBatch, 'sum'],
    ['Poisson batches, summed', sampled, 'sum'],
    ['Poisson batches, spread', sampled, 'spread'],
    ['thin batches, in order', thin, 'inOrder'],
  ] as const)('lower bounds stay below the claim: %s', (_, pipeline, attack) => {
    for (const seed of [1, 2]) {
      const { epsilon, gaussianEpsilon, claimed } = audited(pipeline, attack, seed)
      expect(epsilon).toBeLessThanOrEqual(claimed)
      expect(gaussianEpsilon).toBeLessThanOrEqual(claimed)
    }
  })

  it('and come near it where every record is in every batch', () => {
    const { gaussianEpsilon, claimed } = audited(fullBatch, 'sum', 3)
    expect(claimed).toBeCloseTo(epsilonOfGdp(1)(level.delta).upper, 3)
    expect(gaussianEpsilon).toBeGreaterThan(0.4 * claimed)
  })
})

describe('planted faults: what catches them', () => {
  /** Which bound of which attack exceeds the claim, and which property fails; each fault where it shows. */
  const caughtBy: Readonly<
    Record<
      Fault,
      {
        readonly pipeline: Pipeline
        readonly audit?: readonly [keyof typeof attacks, 'epsilon' | 'gaussianEpsilon']
        readonly property: string
      }
    >
  > = {
    'noise too small by 2': {
      pipeline: fullBatch,
      audit: ['sum', 'gaussianEpsilon'],
      property: 'the noise has deviation σC',
    },
    'clip bound not applied': {
      pipeline: sampled,
      audit: ['sum', 'epsilon'],
      property: 'one record moves the sum by no more than C',
    },
    // The divisor tells how many took part, not who: no score of one canary among many shows it.
    'mean over the actual batch': { pipeline: fullBatch, property: 'the divisor is the same whatever the batch' },
    'noise reused': { pipeline: sampled, audit: ['spread', 'epsilon'], property: 'noise never repeats' },
    'event of another sampler': {
      pipeline: thin,
      audit: ['inOrder', 'gaussianEpsilon'],
      property: 'records are drawn independently of their places',
    },
  }

  for (const [fault, { pipeline, audit, property }] of Object.entries(caughtBy)) {
    const faulty = faults[fault as Fault](pipeline)
    if (audit !== undefined)
      it(`${fault}: by an audit (${audit.join(', ')})`, () => {
        const findings = audited(faulty, audit[0], 1)
        expect(findings[audit[1]]).toBeGreaterThan(findings.claimed)
      })
    it(`${fault}: by a property, and by no other (${property})`, () => {
      const failing = Object.entries(properties).flatMap(([name, holds]) => (holds(faulty) ? [] : [name]))
      expect(failing).toEqual([property])
    })
  }
})

describe('audits as experiments', () => {
  it('membership: many runs with one canary', () => {
    const mu = 2
    const { counts, epsilon, gaussianEpsilon } = auditMembership({
      ...level,
      runs: 1000,
      threshold: 1,
      train: (member, runKey) => (standardNormals(1)(runKey)[0] as number) + (member ? mu : 0),
    })(key(12))
    expect([counts.members, counts.nonMembers]).toEqual([500, 500])
    const truth = epsilonOfGdp(mu)(level.delta).lower
    expect(epsilon).toBeGreaterThan(1)
    expect(epsilon).toBeLessThan(truth)
    expect(gaussianEpsilon).toBeGreaterThan(0.7 * truth)
    expect(gaussianEpsilon).toBeLessThan(truth)
  })

  it('one run: a training that shows everything is shown to', () => {
    const { run, epsilon } = auditOneRun({
      ...level,
      canaries: 200,
      guesses: 100,
      train: (members) => members.map(Number),
    })(foldIn(1)(key(12)))
    expect(run).toEqual({ canaries: 200, guesses: 100, correct: 100 })
    expect(epsilon).toBeGreaterThan(2.5)
  })

  it('scores of other canaries than there are are refused', () => {
    expect(() => auditOneRun({ ...level, canaries: 4, guesses: 2, train: () => [1] })(key(0))).toThrow(/1 scores of 4/)
  })
})
