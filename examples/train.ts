/**
 * Private training from one record, left half-way, saved and resumed: the second program of the README, complete. Run it with
 *
 *   npx tsx examples/train.ts
 *
 * Outside of this repository, '../src/grad/index.js' is 'fp-dp/grad', and so on.
 */
import * as E from 'fp-ts/lib/Either.js'
import { drawDigits, showDataError } from '../src/data/index.js'
import { crossEntropy, flatten, linear, relu, sequential } from '../src/grad/index.js'
import { sgd } from '../src/optim/index.js'
import { flatClip, showInvalidParameter } from '../src/privacy/index.js'
import { key } from '../src/sampling/index.js'
import { accuracy, decodeCheckpoint, dpSgd, encodeCheckpoint, train } from '../src/train/index.js'

const dataset = drawDigits({ count: 2000, key: key(1) })
const test = drawDigits({ count: 500, key: key(2) })
const model = sequential(flatten, linear(128), relu, linear(10))

const planned = dpSgd({
  model,
  loss: crossEntropy,
  inputShape: dataset.inputShape,
  optimizer: sgd({ learningRate: 0.5, momentum: 0.9 }),
  clip: flatClip(0.1),
  noise: { targetEpsilon: 3 },
  delta: 1e-5,
  samplingProbability: 0.05,
  expectedBatchSize: 0.05 * dataset.length,
  steps: 100,
}) // Either<NonEmptyArray<InvalidParameter>, DpSgdPlan>
if (E.isLeft(planned)) throw new Error(planned.left.map(showInvalidParameter).join('\n'))
const plan = planned.right

let state = plan.init(key(0))
for await (const report of train(plan, dataset, { from: state })) {
  state = report.state // all that a checkpoint needs
  if (report.step === 50) break
}
const saved = encodeCheckpoint(plan)(state)
console.log(`left after step ${state.step}: ε ≤ ${plan.spent(state.ledger).upper.toFixed(3)}, ${saved.length} bytes`)

const resumed = decodeCheckpoint(plan, state)(saved)
if (E.isLeft(resumed)) throw new Error(showDataError(resumed.left))

const evaluate = (params: typeof state.params): number => accuracy(model)(params, test)
for await (const report of train(plan, dataset, { from: resumed.right.state, evaluate })) {
  if (report.accuracy === undefined) continue
  console.log(`step ${report.step}: test accuracy ${report.accuracy}, ε ≤ ${report.epsilon.upper.toFixed(3)}`)
}
