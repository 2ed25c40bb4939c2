/**
 * The private step of the GPU backend within a page: against the step of its parts on the reference backend.
 */
import { isLeft } from 'fp-ts/lib/Either.js'
import { clippedGradWithDiagnostics } from '../../src/privacy/index.js'
import { key, standardNormals } from '../../src/sampling/index.js'
import type { GpuBackend } from '../../src/tensor/backend/gpu/index.js'
import { reference } from '../../src/tensor/backend/reference.js'
import { scaleTensor } from '../../src/tensor/elementwise.js'
import { type Tensor, tensor, toArray, zeros } from '../../src/tensor/tensor.js'
import { flatten, type Tree } from '../../src/tensor/tree.js'
import { concatenate, slice } from '../../src/tensor/view.js'
import { type GpuClip, type GpuStepOptions, gpuStep } from '../../src/train/index.js'
import { cnn, type GpuModel, gpuBatch, gpuClips, gpuModels } from '../arbitraries/gpu-model.js'
import { type Finding, type Judgement, worstOf } from './judge.js'

const stepOf = (backend: GpuBackend, { rule, lossOn }: GpuModel, clip: GpuClip, noiseMultiplier = 0) => {
  const options: GpuStepOptions<Tree, unknown> = { backend, model: rule, loss: lossOn, clip, noiseMultiplier }
  const made = gpuStep(options)
  if (isLeft(made)) throw new Error(made.left.map(({ parameter }) => parameter).join())
  return made.right
}

/** The largest difference, relative to the largest number. */
const distance = (a: Tree, b: Tree): number => {
  const [left, right] = [toArray(flatten(a)), toArray(flatten(b))]
  const scale = right.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
  const off = left.reduce((most, x, i) => Math.max(most, Math.abs(x - (right[i] as number))), 0)
  return left.every(Number.isFinite) ? off / scale : Number.POSITIVE_INFINITY
}

const within = (error: number, tolerance: number): Judgement =>
  error <= tolerance ? { error } : { error, broken: `off by ${error}, allowed is ${tolerance}` }

const norm = (tree: Tree): number => Math.sqrt(toArray(flatten(tree)).reduce((sum, x) => sum + x * x, 0))

export const stepFindings = async (backend: GpuBackend): Promise<readonly Finding[]> => [
  ...(await Promise.all(
    gpuModels.map((model) =>
      worstOf(
        `step of ${model.name}: the clipped sum, losses and norms`,
        gpuClips.map(([clip, rule]) => async () => {
          const { params } = model.rule.init(key(1), model.input)
          const batch = gpuBatch(model, 6, 2)
          const { released, diagnostics } = await stepOf(backend, model, clip)(params, batch, key(0))()
          const expected = clippedGradWithDiagnostics(model.loss, model.rule, rule, { backend: reference })(
            params,
            batch,
          )
          const { loss, norm: norms } = expected.diagnostics.value
          return within(
            Math.max(
              distance(released.value, expected.bounded.sum),
              distance(diagnostics.value.loss, loss),
              distance(diagnostics.value.norm, norms),
            ),
            3e-4,
          )
        }),
      ),
    ),
  )),
  await worstOf(
    'step: no sample alone is longer than C, from 10⁻³⁷ to 10³⁷ (length / C − 1)',
    Array.from({ length: 26 }, (_, i) => async () => {
      const model = gpuModels[i % gpuModels.length] as GpuModel
      const l2ClipNorm = 1.37 * 2 ** (3 * i - 39)
      const { params } = model.rule.init(key(i), model.input)
      const { input, target } = gpuBatch(model, 1, i)
      const clip: GpuClip = { rule: i % 2 === 0 ? 'flat' : 'automatic', l2ClipNorm }
      const batch = { input: scaleTensor(10 ** (3 * i - 37))(input), target }
      const length = norm((await stepOf(backend, model, clip)(params, batch, key(0))()).released.value)
      return length <= l2ClipNorm
        ? { error: 0 }
        : { error: length / l2ClipNorm - 1, broken: `${length} for ${l2ClipNorm}` }
    }),
  ),
  await worstOf(
    'step: a sample that is not finite adds zero, and is counted',
    [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((value) => async () => {
      const { params } = cnn.rule.init(key(1), cnn.input)
      const clean = gpuBatch(cnn, 4, 6)
      const step = stepOf(backend, cnn, { rule: 'flat', l2ClipNorm: 1 })
      const expected = await step(params, clean, key(0))()
      const spoilt: Tensor = tensor(new Float32Array(72).fill(value), [1, ...cnn.input])
      const batch = {
        input: concatenate([spoilt, clean.input]),
        target: concatenate([slice({ axis: 0, end: 1 })(clean.target), clean.target]),
      }
      const found = await step(params, batch, key(0))()
      return found.diagnostics.value.nonFinite === 1
        ? within(distance(found.released.value, expected.released.value), 1e-6)
        : { error: 0, broken: `${found.diagnostics.value.nonFinite} counted for ${value}` }
    }),
  ),
  await worstOf('step: an empty batch gives zeros', [
    async () => {
      const { params } = cnn.rule.init(key(1), cnn.input)
      const step = stepOf(backend, cnn, { rule: 'flat', l2ClipNorm: 1 })
      const found = await step(params, gpuBatch(cnn, 0, 1), key(0))()
      return within(norm(found.released.value), 0)
    },
  ]),
  await worstOf(
    'normal variates, the largest difference among 70,000',
    [[0, 42], [0x80000001, 0xfffffffe] as const].map((words) => async () => {
      const count = 70_000
      const [high, low] = words as [number, number]
      const drawn = await backend.task(() =>
        backend.privateSums.addNormals([zeros([count])], [{ words: [high, low], length: count }], 1),
      )()
      const expected = standardNormals(count)({ _tag: 'Threefry2x32', words: [high, low] })
      return within(
        toArray(drawn[0] as Tensor).reduce((most, z, i) => Math.max(most, Math.abs(z - (expected[i] as number))), 0),
        5e-6,
      )
    }),
  ),
]
