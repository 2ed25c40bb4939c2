/**
 * Single layers beyond those of `grad.test.ts`: the laws, and what is particular to each.
 */
import { describe } from 'vitest'
import { defaultBackend } from '../src/tensor/backend/default.js'
import { kindFamilies } from './arbitraries/layer-kinds.js'
import { layerLaws } from './laws/layer.js'
import { normLaw } from './laws/norm.js'

describe('layers', () => {
  for (const [name, cases] of kindFamilies) layerLaws(name, cases)
})

describe('norms that clipping stands on', () => {
  for (const [name, cases] of kindFamilies) normLaw(name, cases, defaultBackend())
})
