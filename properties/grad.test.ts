/**
 * The gradients: every layer, sequences of layers, losses, the plans, and known answers.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  crossEntropy,
  finiteDifferenceGrad,
  meanSquaredError,
  type Plan,
  perSampleGrad,
  relu,
  sequential,
  withPerSampleGradients,
} from '../src/grad/index.js'
import type { Backend } from '../src/tensor/backend/backend.js'
import { defaultBackend } from '../src/tensor/backend/default.js'
import { reference } from '../src/tensor/backend/reference.js'
import { tensor, zeros } from '../src/tensor/tensor.js'
import type { Tree } from '../src/tensor/tree.js'
import { genericTensors, lossCases, type Problem, problems, unitTensors } from './arbitraries/batch.js'
import { layerFamilies, models } from './arbitraries/layer.js'
import { layerCases } from './golden/layer-cases.js'
import layers from './golden/layers.json' with { type: 'json' }
import { expectDerivative, expectJudged, expectNear, type Tally } from './laws/closeness.js'
import { expectShapeError, layerLaws } from './laws/layer.js'
import { lossLaws } from './laws/loss.js'

describe('layers', () => {
  for (const [name, cases] of layerFamilies) layerLaws(name, cases)
  layerLaws(
    'a model',
    models.map(({ model, input }) => ({ rule: model, input, misfits: [] })),
  )
})
