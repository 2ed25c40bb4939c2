/**
 * A private step as one task of a GPU: forward, backward, norms, clip factors, weighted sum and noise stay on the device, and
 * one vector is read.
 */
import { isNonEmpty } from 'fp-ts/lib/Array.js'
import * as E from 'fp-ts/lib/Either.js'
import type { NonEmptyArray } from 'fp-ts/lib/NonEmptyArray.js'
import type { Task } from 'fp-ts/lib/Task.js'
import type { Batch } from '../grad/batch.js'
import type { LayerRule } from '../grad/layer.js'
import type { BackendLoss } from '../grad/losses/on-backend.js'
import type { NotPrivate } from '../privacy/clipped-grad.js'
import { gaussian as gaussianEvent, nonPrivate } from '../privacy/event/event.js'
import { type InvalidParameter, invalidParameter } from '../privacy/invalid-parameter.js'
import { gaussian, gradeOf, type Released } from '../privacy/mechanism.js'
import { foldIn, type Key } from '../sampling/key.js'
import type { GpuBackend } from '../tensor/backend/gpu/index.js'
import { shapeError } from '../tensor/shape.js'
import { size, type Tensor, unsafeTensor } from '../tensor/tensor.js'
import { leaves, mapTree, type Tree, treeSize, zipTreesWith } from '../tensor/tree.js'
import { slice } from '../tensor/view.js'

/** How samples are clipped on the device: `flatClip` and `autoS`, as data. */
export type GpuClip =
  | { readonly rule: 'flat'; readonly l2ClipNorm: number }
  | { readonly rule: 'automatic'; readonly l2ClipNorm: number; readonly stability?: number }

/** What a private step on a GPU is made of. */
export interface GpuStepOptions<P extends Tree, C> {
  readonly backend: GpuBackend
  readonly model: LayerRule<P, C>
  readonly loss: BackendLoss
  readonly clip: GpuClip
  /** σ: standard deviation of the noise in units of C. */
  readonly noiseMultiplier: number
  /** Samples on the device at once; fewer where a tensor would be too long for it. */
  readonly physicalBatchSize?: number
}

/** What a step gives. */
export interface GpuStep<P extends Tree> {
  readonly released: Released<P>
  readonly diagnostics: NotPrivate<{
    /** [n] */
    readonly loss: Tensor
    /** Gradient norm of each sample before clipping, [n]; infinite or NaN where it did not count. */
    readonly norm: Tensor
    readonly nonFinite: number
  }>
}

/** Numbers of the gradients of a leaf at once, where a tensor may have as many: 512 MiB. */
const enough = 2 ** 27

/** Where squares of float32 are far from both ends of their range. */
const [least, most] = [2 ** -40, 2 ** 40]

const invalidIn = <P extends Tree, C>(options: GpuStepOptions<P, C>): InvalidParameter[] => {
  const { clip, noiseMultiplier, physicalBatchSize = 1, backend } = options
  const stability = clip.rule === 'automatic' ? (clip.stability ?? 0.01) : 1
  return [
    ...(backend.privateSums.canClip
      ? []
      : [
          invalidParameter(
            'backend',
            backend.name,
            'a device that gave the known answers about norms; clip on the host',
          ),
        ]),
    ...(clip.l2ClipNorm >= least && clip.l2ClipNorm <= most
      ? []
      : [invalidParameter('clip.l2ClipNorm', clip.l2ClipNorm, 'in [2^-40, 2^40] on a GPU')]),
    ...(stability >= least && stability <= most
      ? []
      : [invalidParameter('clip.stability', stability, 'in [2^-40, 2^40] on a GPU')]),
    ...(noiseMultiplier >= 0 && noiseMultiplier <= most
      ? []
      : [invalidParameter('noiseMultiplier', noiseMultiplier, 'in [0, 2^40] on a GPU')]),
    ...(Number.isInteger(physicalBatchSize) && physicalBatchSize >= 1
      ? []
      : [invalidParameter('physicalBatchSize', physicalBatchSize, 'an integer >= 1')]),
  ]
}

/** The batch in parts of at most so many samples; an empty one is one part. */
const partsOf = ({ input, target }: Batch, atOnce: number): readonly [Batch, ...Batch[]] => {
  const count = input.shape[0] as number
  const part = (start: number): Batch => {
    const cut = slice({ axis: 0, start, end: Math.min(count, start + atOnce) })
    return { input: cut(input), target: cut(target) }
  }
  return [
    part(0),
    ...Array.from({ length: Math.max(0, Math.ceil(count / atOnce) - 1) }, (_, i) => part((i + 1) * atOnce)),
  ]
}

/** The leaves of a tree in the order of another of the same structure. */
const inOrderOf = (order: Tree, tree: Tree): readonly Tensor[] => {
  const found: Tensor[] = []
  zipTreesWith((like, leaf) => {
    found.push(leaf)
    return like
  })(order, tree)
  return found
}

/** A vector that is cut into tensors from its start. */
const cutter = (numbers: Float32Array): ((shape: readonly number[]) => Tensor) => {
  let start = 0
  return (shape) => {
    const length = shape.reduce((product, extent) => product * extent, 1)
    start += length
    return unsafeTensor(numbers.slice(start - length, start), shape)
  }
}

/**
 * The noisy sum of clipped gradients of a batch, as one task.
 *
 *   Σₙ w(‖gₙ‖) gₙ + σ C z,   w(s) = min(1, C/s) or C/(s + γ), and less by at most 10⁻⁴ of itself
 *
 * Guarantee  the sum of a batch of one is at most C long, in exact arithmetic on its floats; a sample whose gradient is not
 *            finite, or longer than 2⁶³, adds exactly zero. Under a Threefry key the device draws the variates that
 *            `gaussian` draws, to 10⁻⁵; under a ChaCha20 key the host draws them, and adds them in float64
 * Cost       forms the gradients of some samples at a time; one read of a vector as long as the parameters and twice the
 *            batch, where the layers read nothing themselves (linear, convolutions, relu, tanh, sigmoid, pooling and
 *            changes of shape do not)
 * Errors     every invalid parameter; a layer or a loss that looks at a number costs a read more, and is otherwise none
 * Reference  Abadi et al. 2016, arXiv:1607.00133
 */
export const gpuStep = <P extends Tree, C>(
  options: GpuStepOptions<P, C>,
): E.Either<NonEmptyArray<InvalidParameter>, (params: P, batch: Batch, key: Key) => Task<GpuStep<P>>> => {
  const invalid = invalidIn(options)
  if (isNonEmpty(invalid)) return E.left(invalid)
  const { backend, model, loss, noiseMultiplier, physicalBatchSize = Number.POSITIVE_INFINITY } = options
  const clip = { stability: 0.01, ...options.clip }
  const { squaredNorms, clipWeights, clippedSums, addNormals, joined } = backend.privateSums

  /** The clipped sums of one part, in the order of the parameters, with losses and squared norms. */
  const clipped = (params: P, { input, target }: Batch): readonly [readonly Tensor[], Tensor, Tensor] => {
    const [prediction, cache] = model.forward(backend, params, input)
    const { value, cotangent } = loss(backend, prediction, target)
    const rows = inOrderOf(params, model.perSampleGrad(backend, params, cache, cotangent))
    const squares = squaredNorms(rows)
    const weight = clipWeights(squares, treeSize(params), clip)
    return [clippedSums(weight, rows), value, squares]
  }

  return E.right((params, batch, key) => {
    const count = batch.input.shape[0] as number
    if (batch.target.shape[0] !== count)
      throw shapeError('inputs and targets differ in number', batch.input.shape, batch.target.shape)
    const widest = leaves(params).reduce((most, leaf) => Math.max(most, size(leaf)), 1)
    const atOnce = Math.max(1, Math.min(physicalBatchSize, Math.floor(Math.min(backend.longest, enough) / widest)))
    const deviation = noiseMultiplier * clip.l2ClipNorm
    const onDevice = key._tag === 'Threefry2x32' && backend.privateSums.canDraw && noiseMultiplier > 0

    const streams = leaves(params).flatMap((leaf, place) => {
      const own = foldIn(place)(key)
      return own._tag === 'Threefry2x32' ? [{ words: own.words, length: size(leaf) }] : []
    })

    const body = (): Tensor => {
      const parts = partsOf(batch, atOnce).map((part) => backend.scope(() => clipped(params, part)))
      const sums = parts
        .map(([sum]) => sum)
        .reduce((a, b) => a.map((leaf, place) => backend.zip('add', leaf, b[place] as Tensor)))
      const noised = onDevice ? addNormals(sums, streams, deviation) : sums
      return joined([...noised, ...parts.map(([, value]) => value), ...parts.map(([, , squares]) => squares)])
    }

    return async () => {
      const read = await backend.task(body)()
      const cut = cutter(read.data as unknown as Float32Array)
      const sum = mapTree((leaf) => cut(leaf.shape))(params)
      const [losses, squares] = [cut([count]), cut([count])]
      const norms = Float64Array.from(squares.data, Math.sqrt)
      const released: Released<P> = onDevice
        ? { value: sum, event: gaussianEvent(noiseMultiplier, gradeOf(key)) }
        : noiseMultiplier === 0
          ? { value: sum, event: nonPrivate }
          : gaussian(noiseMultiplier)(key)({ _tag: 'BoundedSum', sum, l2Bound: clip.l2ClipNorm })
      return {
        released,
        diagnostics: {
          _tag: 'NotPrivate',
          value: {
            loss: losses,
            norm: unsafeTensor(norms, [count]),
            nonFinite: norms.filter((norm) => !(norm <= 2 ** 63)).length,
          },
        },
      }
    }
  })
}
