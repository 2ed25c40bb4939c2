import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { inMemory } from '../src/data/dataset.js'
import { linear } from '../src/grad/layers/linear.js'
import { crossEntropy } from '../src/grad/losses/loss.js'
import { sgd } from '../src/optim/sgd.js'
import { flatClip } from '../src/privacy/clip/clip.js'
import { key } from '../src/sampling/key.js'
import { tensor } from '../src/tensor/tensor.js'
import { auditPlan, dpSgd, gradientAlignment } from '../src/train/index.js'
import { rightOf } from './laws/accountant.js'

const [RECORDS, CANARIES] = [40, 100]
const INPUTS = CANARIES + 2

/** Example i has one number that is not 0, at `at(i)`. */
const oneHot = (count: number, at: (i: number) => number) =>
  rightOf(
    inMemory({
      pixels: Array.from({ length: count * INPUTS }, (_, place) =>
        place % INPUTS === at(Math.floor(place / INPUTS)) ? 10 : 0,
      ),
      labels: Array.from({ length: count }, (_, i) => i % 2),
      inputShape: [INPUTS],
      classes: 2,
      normalisation: { range: 1, mean: 0, std: 1 },
    }),
  )
const dataset = oneHot(RECORDS, (i) => CANARIES + (i % 2))
const canaries = oneHot(CANARIES, (i) => i)
const model = linear(2, { bias: false })
const everyCanary = canaries.take(Array.from({ length: CANARIES }, (_, i) => i))
const score = gradientAlignment(model, crossEntropy, everyCanary)

const planOf = (noiseMultiplier: number, samplingProbability = 1) => {
  const planned = dpSgd({
    model,
    loss: crossEntropy,
    inputShape: [INPUTS],
    optimizer: sgd({ learningRate: 0.01 }),
    clip: flatClip(1),
    noise: { noiseMultiplier },
    delta: 1e-5,
    samplingProbability,
    expectedBatchSize: 100,
    steps: 3,
  })
  if (E.isLeft(planned)) throw new Error(JSON.stringify(planned.left))
  return planned.right
}
const audit = { dataset, canaries, score, guesses: 40 }

describe('the audit of a plan', () => {
  it('a true claim is not refuted, and what is claimed is the ledger of the run', () => {
    for (const plan of [planOf(1), planOf(1, 0.5)])
      for (const seed of [1, 2, 3]) {
        const { epsilon, claimed, refuted, run, scores } = auditPlan(plan, audit)(key(seed))
        expect(refuted).toBe(false)
        expect(epsilon).toBeLessThanOrEqual(claimed.upper)
        expect(claimed).toEqual(plan.spent(plan.event(3, 'float')))
        expect(run).toMatchObject({ canaries: CANARIES, guesses: 40 })
        expect(scores.members.length + scores.nonMembers.length).toBe(CANARIES)
      }
  })

  it('with next to no noise every canary is seen', () => {
    const { run, epsilon } = auditPlan(planOf(0.01), audit)(key(4))
    expect(run.correct).toBe(40)
    expect(epsilon).toBeGreaterThan(2)
  })

  it('depends on its key alone', () => {
    const at = (seed: number) => auditPlan(planOf(1), audit)(key(seed))
    expect(at(5)).toEqual(at(5))
    expect(at(5).scores).not.toEqual(at(6).scores)
  })

  it('a member scores its clipped share of the update: C · learning rate / expected batch size a step', () => {
    const { scores } = auditPlan(planOf(0.001), audit)(key(7))
    for (const member of scores.members) expect(member).toBeCloseTo((3 * 0.01) / 100, 6)
    for (const other of scores.nonMembers) expect(other).toBeCloseTo(0, 6)
  })

  it('alignment is the dot product with the normed gradient, and 0 where there is none', () => {
    const [before, after] = [
      { weight: tensor(new Float64Array(2 * INPUTS), [2, INPUTS]) },
      { weight: tensor(new Float64Array(2 * INPUTS).fill(-1), [2, INPUTS]) },
    ]
    // At 0 both classes have probability ½: the gradient of canary 0, of class 0, is (−5, 5) at its number.
    expect(score(before, after)[0]).toBeCloseTo(0, 6)
    const towards = {
      weight: tensor(
        Float64Array.from({ length: 2 * INPUTS }, (_, i) => (i === 0 ? 1 : 0)),
        [2, INPUTS],
      ),
    }
    expect(score(before, towards)[0]).toBeCloseTo(Math.SQRT1_2, 6)
    expect(score(before, towards)[1]).toBeCloseTo(0, 6)
    expect(score(before, before).every((x) => x === 0)).toBe(true)
  })
})
