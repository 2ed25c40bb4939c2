/**
 * Training with correlated noise (DP-FTRL): the same small model by independent, banded, buffered and tree noise, epochs in a fixed order,
 * at the same ε. Run it with
 *
 *   npx tsx examples/ftrl.ts
 *
 * Outside of this repository, '../src/grad/index.js' is 'fp-dp/grad', and so on.
 */
import * as E from 'fp-ts/lib/Either.js'
import { drawDigits } from '../src/data/index.js'
import { crossEntropy, flatten, linear, relu, sequential } from '../src/grad/index.js'
import {
  binaryTree,
  type CorrelatedNoise,
  clippedGrad,
  correlatedGaussian,
  epochsInOrder,
  epsilonOf,
  flatClip,
  gdp,
  independentNoise,
  initialNoise,
  meanOver,
  optimalBanded,
  optimalBuffered,
} from '../src/privacy/index.js'
import { key, split } from '../src/sampling/index.js'
import { zipTensorsWith, zipTreesWith } from '../src/tensor/index.js'
import { accuracy } from '../src/train/index.js'

const [batchSize, epochs, learningRate] = [200, 4, 0.5]
const dataset = drawDigits({ count: 4000, key: key(1) })
const test = drawDigits({ count: 500, key: key(2) })
const stepsPerEpoch = dataset.length / batchSize
const task = { steps: epochs * stepsPerEpoch, participation: epochsInOrder({ stepsPerEpoch, epochs }) }

const model = sequential(flatten, linear(64), relu, linear(10))
const gradient = clippedGrad(crossEntropy, model, flatClip(1))

const trained = (noise: CorrelatedNoise) => {
  const mechanism = correlatedGaussian({ noise, noiseMultiplier: 1.5, ...task })
  if (E.isLeft(mechanism)) throw new Error(JSON.stringify(mechanism.left))
  const [initialKey, noiseKey] = split(2)(key(0))
  const release = mechanism.right.release(noiseKey)
  let { params } = model.init(initialKey, dataset.inputShape)
  let state = initialNoise
  for (let step = 0; step < task.steps; step++) {
    // Batch i of every epoch holds the same records: no two participations of one are closer than an epoch.
    const first = (step % stepsPerEpoch) * batchSize
    const batch = dataset.take(Array.from({ length: batchSize }, (_, i) => first + i))
    const [released, next] = release(state)(gradient(params, batch))
    const mean = meanOver(batchSize)(released).value
    params = zipTreesWith(zipTensorsWith((p, g) => p - learningRate * g))(params, mean)
    state = next
  }
  return { event: mechanism.right.event, accuracy: accuracy(model)(params, test) }
}

const strategies: Readonly<Record<string, CorrelatedNoise>> = {
  independent: independentNoise,
  'banded, 16 bands': optimalBanded(task, 16),
  'buffered, 2 buffers': optimalBuffered(task, 2),
  'binary tree': binaryTree,
}
for (const [name, noise] of Object.entries(strategies)) {
  const { event, accuracy: found } = trained(noise)
  const epsilon = epsilonOf(gdp({ neighbouring: 'replaceSpecial' }), 1e-5)(event)
  if (E.isRight(epsilon))
    console.log(`${name}: ε ≤ ${epsilon.right.upper.toFixed(3)}, test accuracy ${found.toFixed(3)}`)
}
