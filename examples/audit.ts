/**
 * An audit: twenty trainings of a small model, each watched in the space of gradients, and what they prove from below beside what is
 * claimed from above; then the same with the claim of a plan that adds twice the noise. Run it with
 *
 *   npx tsx examples/audit.ts
 *
 * Outside of this repository, '../src/grad/index.js' is 'fp-dp/grad', and so on.
 */
import * as E from 'fp-ts/lib/Either.js'
import { inMemory } from '../src/data/index.js'
import { crossEntropy, linear } from '../src/grad/index.js'
import { sgd } from '../src/optim/index.js'
import { countsAt, flatClip, gaussianMembershipEpsilon, gdp, showInvalidParameter } from '../src/privacy/index.js'
import { key, standardNormals } from '../src/sampling/index.js'
import { auditPlan, dpSgd, gradientAlignment } from '../src/train/index.js'

const [RECORDS, CANARIES, FEATURES] = [500, 1000, 20]
const inputs = FEATURES + CANARIES

/** Records use the first features; each canary has a feature of its own, so that its gradient meets nobody's. */
const dataset = inMemory({
  pixels: Array.from({ length: RECORDS }, (_, i) => [
    ...standardNormals(FEATURES)(key(i)),
    ...new Float64Array(CANARIES),
  ]).flat(),
  labels: Array.from({ length: RECORDS }, (_, i) => i % 2),
  inputShape: [inputs],
  classes: 2,
  normalisation: { range: 1, mean: 0, std: 1 },
})
const canaries = inMemory({
  pixels: Array.from({ length: CANARIES * inputs }, (_, at) =>
    at % inputs === FEATURES + Math.floor(at / inputs) ? 10 : 0,
  ),
  labels: Array.from({ length: CANARIES }, (_, i) => i % 2),
  inputShape: [inputs],
  classes: 2,
  normalisation: { range: 1, mean: 0, std: 1 },
})
if (E.isLeft(dataset) || E.isLeft(canaries)) throw new Error('the examples are none')

const model = linear(2, { bias: false })
const planOf = (noiseMultiplier: number) => {
  const planned = dpSgd({
    model,
    loss: crossEntropy,
    inputShape: [inputs],
    optimizer: sgd({ learningRate: 0.01 }),
    clip: flatClip(1),
    noise: { noiseMultiplier },
    delta: 1e-5,
    accountant: gdp(),
    // Full batches: the whole run is one Gaussian mechanism, and the Gaussian audit assumes no more than that.
    samplingProbability: 1,
    expectedBatchSize: 1000,
    steps: 4,
  })
  if (E.isLeft(planned)) throw new Error(planned.left.map(showInvalidParameter).join('\n'))
  return planned.right
}

const plan = planOf(2)
const audit = {
  dataset: dataset.right,
  canaries: canaries.right,
  score: gradientAlignment(model, crossEntropy, canaries.right.take(Array.from({ length: CANARIES }, (_, i) => i))),
  guesses: 300,
  significance: 0.001,
}

/**
 * Here the canaries are more than one run asks for: no two share a number of the gradient, so each is a trial of its own, and the
 * bound for independent trials holds. The rule is fixed beforehand: half of what a canary moves the parameters by.
 */
const membership = gaussianMembershipEpsilon({ significance: 0.001, delta: 1e-5 })
const threshold = (0.01 * 4) / 1000 / 2
const auditOf = (noiseMultiplier: number, seed: number) => {
  const found = auditPlan(planOf(noiseMultiplier), audit)(key(seed))
  return { ...found, independent: membership(countsAt(found.scores)(threshold)) }
}

const show = (x: number): string => x.toFixed(3)
let most = 0
for (let seed = 0; seed < 20; seed++) {
  const { epsilon, gaussianEpsilon, independent, claimed, run } = auditOf(2, seed)
  most = Math.max(most, epsilon, gaussianEpsilon, independent)
  console.log(
    `run ${seed}: ${run.correct} of ${run.guesses} guesses right; ε ≥ ${show(epsilon)} by one run, ${show(gaussianEpsilon)} if Gaussian, ${show(independent)} if independent too; claimed ε ≤ ${show(claimed.upper)}`,
  )
}
console.log(`the most that was proved in twenty runs: ε ≥ ${show(most)}`)

const { upper } = plan.spent(plan.event(4, 'float'))
const faulty = auditOf(1, 0)
console.log(
  `half the noise under the same claim: ε ≥ ${show(faulty.epsilon)}, ${show(faulty.gaussianEpsilon)}, ${show(faulty.independent)}; claimed ε ≤ ${show(upper)}: ${faulty.independent > upper ? 'refuted' : 'not refuted'}`,
)
