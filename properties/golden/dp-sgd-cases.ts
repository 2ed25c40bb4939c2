/**
 * The dpsgd cases of files in the format of optim.json: clipped steps of a small network as Opacus takes them, without noise.
 */
import { type AnyLayer, crossEntropy, sequential } from '../../src/grad/index.js'
import { applyUpdates } from '../../src/optim/index.js'
import { clippedGrad, flatClip } from '../../src/privacy/index.js'
import { key } from '../../src/sampling/index.js'
import { reference } from '../../src/tensor/backend/reference.js'
import { mapTensor, mapTree, namedLeaves, type Tree, tensor, toArray } from '../../src/tensor/index.js'
import { layerOfWords } from './layer-words.js'
import { type Numbers, relativeError, tensorOf } from './numbers.js'
import { optimizerOf } from './optim-cases.js'
import { type GoldenCase, notSupported, type Outcome } from './outcome.js'

interface DpSgdCase {
  readonly layers: readonly string[]
  readonly lossReduction: 'mean' | 'sum'
  readonly maxGradNorm: number
  readonly optimizer: string
  readonly options: Readonly<Record<string, unknown>>
  readonly batchSize: number
  readonly initial: Readonly<Record<string, Numbers>>
  readonly inputs: readonly Numbers[]
  readonly targets: readonly (readonly number[])[]
  /** After each step. */
  readonly params: readonly Readonly<Record<string, Numbers>>[]
}

/** Opacus scales by min(1, C / (‖g‖ + 1e-6)), which is not quite C. */
const tolerance = 1e-5

const outcome = (golden: DpSgdCase, source: string): Outcome => {
  const layers = golden.layers.map(layerOfWords)
  if (layers.includes(undefined)) return notSupported(golden.layers.join(', '))
  const optimizer = optimizerOf(golden, source)
  if ('_tag' in optimizer) return optimizer
  const model = sequential(...(layers as readonly AnyLayer[]))
  const clipped = clippedGrad(crossEntropy, model, flatClip(golden.maxGradNorm), { backend: reference })
  const [first] = golden.inputs
  let params: Tree = mapTree((_, path) => tensorOf(golden.initial[path] as Numbers))(
    model.init(key(0), (first as Numbers).shape.slice(1)).params,
  )
  let state = optimizer.init(params)
  const divisor = golden.lossReduction === 'mean' ? golden.batchSize : 1
  const errors = golden.inputs.map((input, step) => {
    const expected = golden.params[step] as Readonly<Record<string, Numbers>>
    const labels = golden.targets[step] as readonly number[]
    const batch = { input: tensorOf(input), target: tensor(labels, [labels.length], 'int32') }
    const { sum } = clipped(params as never, batch)
    const [updates, next] = optimizer.update(mapTree(mapTensor((x) => x / divisor))(sum as Tree), state, params)
    params = applyUpdates(params, updates)
    state = next
    return Math.max(
      ...namedLeaves(params).map(({ path, leaf }) => relativeError(toArray(leaf), (expected[path] as Numbers).data)),
    )
  })
  return { _tag: 'compared', error: Math.max(...errors), tolerance }
}

/** One case for each entry of `dpsgd`; none where a file has no such list. */
export const dpSgdCases = (file: unknown): readonly GoldenCase[] => {
  const { source = '', dpsgd = [] } = file as { readonly source?: string; readonly dpsgd?: readonly DpSgdCase[] }
  return dpsgd.map((golden, index) => ({
    name: `dpsgd[${index}] ${golden.optimizer} ${golden.lossReduction} ${JSON.stringify(golden.options)}`,
    run: () => outcome(golden, source),
  }))
}
