/**
 * A training run in a process of its own, to be killed: `node killable.ts CHECKPOINT LOG STEPS`. It goes on from the checkpoint where
 * there is one, saves every few steps, and logs of every step which state it came from and which it led to.
 */
import { appendFileSync, existsSync } from 'node:fs'
import * as E from 'fp-ts/lib/Either.js'
import { crc32 } from '../../src/data/index.js'
import { crossEntropy, linear, sequential, tanh } from '../../src/grad/index.js'
import { adam } from '../../src/optim/index.js'
import { flatClip } from '../../src/privacy/index.js'
import { key } from '../../src/sampling/index.js'
import { wasm } from '../../src/tensor/backend/wasm/index.js'
import { dpSgd, encodeCheckpoint, readCheckpoint, train, writeCheckpoint } from '../../src/train/index.js'
import { clusters } from './clusters.js'

const SAVE_EVERY = 7
const [checkpoint = '', log = '', steps = '1'] = process.argv.slice(2)
const right = <L, A>(either: E.Either<L, A>): A => {
  if (E.isLeft(either)) throw new Error(JSON.stringify(either.left))
  return either.right
}

const plan = right(
  dpSgd({
    model: sequential(linear(8), tanh, linear(3)),
    loss: crossEntropy,
    inputShape: [4],
    optimizer: adam({ learningRate: 0.01 }),
    clip: flatClip(1),
    noise: { noiseMultiplier: 0.8 },
    samplingProbability: 0.2,
    expectedBatchSize: 24,
    steps: Number(steps),
    delta: 1e-5,
    backend: wasm({ threads: 1 }),
  }),
)
const fresh = plan.init(key(7))
const from = existsSync(checkpoint) ? right(await readCheckpoint(plan, fresh)(checkpoint)()).state : fresh
const digest = (state: typeof fresh): number => crc32(encodeCheckpoint(plan)(state))

let before = digest(from)
for await (const { state, step } of train(plan, clusters(120), { from })) {
  const after = digest(state)
  appendFileSync(log, `${step} ${before} ${after}\n`)
  before = after
  process.stdout.write('.')
  if (step % SAVE_EVERY === 0 || step === plan.settings.steps) right(await writeCheckpoint(plan)(checkpoint)(state)())
}
