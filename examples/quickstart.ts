/**
 * A private training run in one record and one loop: the program of the README. Run it with
 *
 *   npx tsx examples/quickstart.ts
 *
 * Outside of this repository, '../src/grad/index.js' is 'fp-dp/grad', and so on.
 */
import * as E from 'fp-ts/lib/Either.js'
import { drawDigits } from '../src/data/index.js'
import { crossEntropy, flatten, linear, sequential, tanh } from '../src/grad/index.js'
import { sgd } from '../src/optim/index.js'
import { flatClip, showInvalidParameter } from '../src/privacy/index.js'
import { key, secureKey } from '../src/sampling/index.js'
import { accuracy, dpSgd, train } from '../src/train/index.js'

const [dataset, heldOut] = [drawDigits({ count: 4000, key: key(1) }), drawDigits({ count: 500, key: key(2) })]
const model = sequential(flatten, linear(64), tanh, linear(10))
const planned = dpSgd({
  model,
  loss: crossEntropy,
  inputShape: dataset.inputShape,
  optimizer: sgd({ learningRate: 4, momentum: 0.9 }),
  clip: flatClip(0.1), // no example's gradient is longer than 0.1
  noise: { targetEpsilon: 3 }, // the noise is calibrated to this ε for the whole run
  delta: 1e-5,
  samplingProbability: 0.1,
  expectedBatchSize: 400,
  steps: 80,
})
if (E.isLeft(planned)) throw new Error(planned.left.map(showInvalidParameter).join('\n'))
const plan = planned.right
const from = plan.init(key(0), secureKey()) // sampling and noise are keyed by the operating system
for await (const report of train(plan, dataset, { from, evaluate: (params) => accuracy(model)(params, heldOut) }))
  if (report.accuracy !== undefined) console.log(`accuracy ${report.accuracy}, ε ≤ ${report.epsilon.upper.toFixed(3)}`)
