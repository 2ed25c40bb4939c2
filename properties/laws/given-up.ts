/**
 * What a composition gives up is read by nobody again: its memory may be written over at once.
 */
import fc, { type Arbitrary } from 'fast-check'
import { expect, it } from 'vitest'
import { groupedReadings, labelled } from '../../src/grad/grouped.js'
import {
  type AnyLayer,
  keepingPullback,
  type LayerRule,
  layer,
  parallel,
  residual,
  sequential,
  tanh,
} from '../../src/grad/index.js'
import { asLayer } from '../../src/grad/layer.js'
import type { Backend } from '../../src/tensor/backend/backend.js'
import { reference } from '../../src/tensor/backend/reference.js'
import type { Storage } from '../../src/tensor/tensor.js'
import { type Tensor, zeros } from '../../src/tensor/tensor.js'
import type { Tree } from '../../src/tensor/tree.js'
import { unitTensors } from '../arbitraries/batch.js'
import type { LayerCase } from '../arbitraries/layer.js'
import { type Work, work } from './layer-at-work.js'
import { expectSameBits } from './purity.js'

/** A backend that writes over what is given up, and counts it. */
const overwriting = (): { readonly backend: Backend; readonly count: () => number } => {
  let given = 0
  const release = ({ data }: Tensor): void => {
    given++
    const storage = data as Storage
    storage.fill(Number.NaN)
  }
  return { backend: { ...reference, release }, count: () => given }
}

/** x + θ, whose cotangents and gradients are the very tensor that it is given; it may keep them or not. */
const shift = (keeps: boolean): AnyLayer => {
  const rule: LayerRule<{ readonly shift: Tensor }, null> = layer({
    name: 'shift',
    init: (_key, input) => ({ params: { shift: zeros(input) }, output: input }),
    forward: (backend, params, x) => [backend.zip('add', x, params.shift), null],
    backward: (_backend, _params, _cache, gy) => gy,
    perSampleGrad: (_backend, _params, _cache, gy) => ({ shift: gy }),
    ...(keeps ? { pullback: (...at) => keepingPullback(rule, ...at) } : {}),
  })
  return asLayer(rule)
}

/** The layer twice side by side, among others that pass on what they are given. */
const amid = (rule: AnyLayer, [first, second, third]: readonly [boolean, boolean, boolean]): AnyLayer =>
  asLayer(
    sequential(
      shift(first),
      asLayer(parallel()(rule, rule)),
      asLayer(sequential(shift(second), asLayer(residual(sequential(tanh, shift(third)))))),
      tanh,
    ),
  )

const paramsAmid = ({ params, x, gy }: Work): Tree => {
  const [below, above] = [zeros(x.shape.slice(1)), zeros(gy.shape.slice(1))]
  return [{ shift: below }, [params, params], [{ shift: above }, { body: [[], { shift: above }], shortcut: [] }], []]
}

export const givenUpLaws = (cases: Arbitrary<LayerCase>, runs: { readonly numRuns: number }): void => {
  it('amid other layers, what is given up is read by nobody again', () => {
    const weighted = work(cases).chain((w) => unitTensors([w.x.shape[0] as number]).map((weight) => ({ w, weight })))
    const keeps = fc.tuple(fc.boolean(), fc.boolean(), fc.boolean())
    const orders = fc.array(fc.nat(4), { minLength: 1, maxLength: 6 })
    let most = 0
    fc.assert(
      fc.property(weighted, keeps, orders, ({ w, weight }, kept, order) => {
        const [rule, params] = [amid(w.rule, kept), paramsAmid(w)]
        const labels = labelled((path) => path.length % 2)(params)
        const read = (backend: Backend): unknown => {
          const [y, cache] = rule.forward(backend, params, w.x)
          const pulled = rule.pullback(backend, params, cache, w.gy)
          const grouped = () => {
            const { squaredNorms, weightedGrad } = groupedReadings(backend, pulled, labels)
            return [[...squaredNorms().values()], weightedGrad([weight, weight])]
          }
          const readings = [
            pulled.inputGrad,
            pulled.perSampleGrad,
            pulled.squaredNorm,
            () => pulled.weightedGrad(weight),
            grouped,
          ]
          return [y, order.map((index) => (readings[index] as () => unknown)())]
        }
        const { backend, count } = overwriting()
        expectSameBits(read(backend), read(reference))
        most = Math.max(most, count())
      }),
      runs,
    )
    expect(most).toBeGreaterThan(0)
  })
}
