/**
 * The run behind `npm run demo`: its plan told, and its checkpoints.
 */
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { rdp } from '../privacy/index.js'
import { privacyReport } from '../report/index.js'
import { encodeCheckpoint } from '../train/index.js'
import type { DemoOptions } from './demo-options.js'
import { lastingOptions, setUp } from './demo-setup.js'
import { describeData } from './load-data.js'
import { dataIdentity } from './run/run-identity.js'
import type { Refusal, Screen } from './screen.js'
import { describePlan, publicSize, runTraining, writeAtomically } from './training-run.js'

/**
 * Runs the demo. Right: the exit status; Left: why it could not start.
 */
export const runDemo = async (given: DemoOptions, screen: Screen): Promise<E.Either<Refusal, number>> => {
  const setup = await setUp(given)
  if (E.isLeft(setup)) return setup
  const { options, data, plan, from } = setup.right
  if (setup.right.said !== undefined) screen.print(setup.right.said)
  screen.print(describeData(options, data))
  screen.print(describePlan(setup.right, options.noiseMultiplier === undefined ? options : undefined))
  if (from.step > 0) screen.print(`Continuing after step ${from.step}.`)
  const checkpoint = join(options.out, 'checkpoint.safetensors')
  const status = await runTraining(
    {
      ...setup.right,
      title: 'Private training on digits',
      measuredOn: 'test',
      privacy: (request) =>
        privacyReport({ ...request, accountant: rdp(), assumptions: [publicSize(data.train.length)] }),
      evaluateEvery: Math.max(1, Math.ceil(1 / plan.settings.samplingProbability)),
    },
    screen,
    {
      file: 'checkpoint.safetensors',
      save: (state, curve) => {
        const notes = {
          options: JSON.stringify(lastingOptions(options)),
          data: dataIdentity(data),
          curve: JSON.stringify(curve),
        }
        return writeAtomically(checkpoint, encodeCheckpoint(plan)(state, notes), { secret: true })
      },
      advice: `Continue with: npm run demo -- --resume ${checkpoint} --out ${options.out}`,
    },
  )
  return E.right(status)
}
