/**
 * Recurrent layers, attention and compositions: the laws, and what is particular to each.
 */
import { describe } from 'vitest'
import { defaultBackend } from '../src/tensor/backend/default.js'
import { composedFamilies } from './arbitraries/layer-composed.js'
import { layerLaws } from './laws/layer.js'
import { normLaw } from './laws/norm.js'

describe('layers', () => {
  for (const [name, cases] of composedFamilies) layerLaws(name, cases)
})

describe('norms that clipping stands on', () => {
  for (const [name, cases] of composedFamilies) normLaw(name, cases, defaultBackend())
})
