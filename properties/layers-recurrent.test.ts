/**
 * Recurrent layers: the laws.
 */
import { describe } from 'vitest'
import { defaultBackend } from '../src/tensor/backend/default.js'
import { recurrentFamilies } from './arbitraries/layer-composed.js'
import { layerLaws } from './laws/layer.js'
import { normLaw } from './laws/norm.js'

describe('layers', () => {
  for (const [name, cases] of recurrentFamilies) layerLaws(name, cases)
})

describe('norms that clipping stands on', () => {
  for (const [name, cases] of recurrentFamilies) normLaw(name, cases, defaultBackend())
})
