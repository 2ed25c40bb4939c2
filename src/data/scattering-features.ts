/**
 * Features for a linear model: scattering coefficients, whitened without a look at anyone's data.
 *
 * Legend: n sample · k scattering coefficient · p position.
 */
import { type AnyLayer, scattering2d } from '../grad/index.js'
import { lazy } from '../grad/layer.js'
import type { Key } from '../sampling/key.js'
import type { Backend } from '../tensor/backend/backend.js'
import { defaultBackend } from '../tensor/backend/default.js'
import { mapTensor } from '../tensor/elementwise.js'
import { sizeOf } from '../tensor/shape.js'
import { contiguous, type Tensor, unsafeTensor } from '../tensor/tensor.js'
import { emptyTree } from '../tensor/tree.js'
import { concatenate, slice } from '../tensor/view.js'
import { drawDeadLeaves } from './dead-leaves.js'
import type { FeatureRecipe } from './feature-cache.js'
import { channelMoments, whiten, whiteningOf } from './whitening.js'

/** Public constants, as every setting. */
export interface ScatteringFeatureOptions {
  /** Planes, rows and columns of an image. */
  readonly inputShape: readonly [planes: number, rows: number, columns: number]
  /** The key of the images that the whitening is learnt from. */
  readonly key: Key
  /** How many of them. Default 2000. */
  readonly leaves?: number
  /** λ of the whitening. Default 0.01. */
  readonly ridge?: number
  /** The last feature of every sample, in place of a bias. Default 0.1. */
  readonly constant?: number
  /** Default: the wasm backend. */
  readonly backend?: Backend
}

/** Images that are transformed at a time: their planes stay in the cache of a core. */
const BATCH = 64

/** sign(z) √|z|: coefficients of the second order are much smaller than those of the first, and have heavy tails. */
const signedRoot = mapTensor((z) => Math.sign(z) * Math.sqrt(Math.abs(z)))

const inBatches = (count: number): readonly (readonly [start: number, end: number])[] =>
  Array.from({ length: Math.ceil(count / BATCH) }, (_, batch) => [batch * BATCH, Math.min(count, (batch + 1) * BATCH)])

/** Each row divided by its length, and a constant behind it. A row of zeros stays one. */
const normalised = (rows: Tensor, constant: number): Tensor => {
  const [count, size] = [rows.shape[0] as number, sizeOf(rows.shape.slice(1))]
  const { data, offset } = contiguous(rows)
  const out = new Float32Array(count * (size + 1))
  for (let n = 0; n < count; n++) {
    let square = 0
    for (let i = 0, at = offset + n * size; i < size; i++, at++) square += (data[at] as number) ** 2
    const scale = square > 0 ? 1 / Math.sqrt(square) : 0
    for (let i = 0, at = offset + n * size; i < size; i++, at++) out[n * (size + 1) + i] = scale * (data[at] as number)
    out[n * (size + 1) + size] = constant
  }
  return unsafeTensor(out, [count, size + 1])
}

/**
 * The features of Tramèr and Boneh with a whitening that costs no privacy, for images [n, c, h, w].
 *
 *   z = sign(Sx) √|Sx|     v_p = (Σ + λ tr(Σ)/k I)^(−½) (z_p − μ) at every position p     features (v / ‖v‖, constant)
 *
 * where S is `scattering2d()`, and μ and Σ are the moments of z over samples and positions of dead leaves. The length of a
 * feature vector is √(1 + constant²), and the gradient of softmax regression at most √2 times as long: clipping at 1 changes
 * few of them.
 *
 * Cost       the moments with the first images, some 2 s; then about 1.5 ms a 28 × 28 image on one core
 * Guarantee  a sample's features depend on that sample and on public constants alone: computing them releases nothing
 * Errors     ShapeError for images that are too small for the transform; RangeError for no leaves, or a ridge that is not
 *            positive
 * Reference  Tramèr, Boneh 2021, arXiv:2011.11660; the whitening from synthetic images is of this project
 *
 * @example
 * scatteringFeatures({ inputShape: [1, 28, 28], key: key(1) }).size // => 3970
 */
export const scatteringFeatures = ({
  inputShape,
  key,
  leaves = 2000,
  ridge = 0.01,
  constant = 0.1,
  backend = defaultBackend(),
}: ScatteringFeatureOptions): FeatureRecipe => {
  const scattering: AnyLayer = scattering2d()
  const { output } = scattering.init(key, inputShape)
  if (!(Number.isSafeInteger(leaves) && leaves >= 1))
    throw new RangeError(`leaves is ${leaves}: it must be a whole number ≥ 1`)
  const size = sizeOf(output) + 1
  const roots = (images: Tensor): Tensor =>
    signedRoot(backend.scope(() => scattering.forward(backend, emptyTree, images)[0]))
  const inPieces =
    (f: (piece: Tensor) => Tensor) =>
    (images: Tensor): Tensor => {
      const [first = f(images), ...others] = inBatches(images.shape[0] as number).map(([start, end]) =>
        f(slice({ axis: 0, start, end })(images)),
      )
      return concatenate([first, ...others])
    }
  const whitening = lazy(() =>
    whiteningOf(ridge)(channelMoments(inPieces(roots)(drawDeadLeaves({ count: leaves, shape: inputShape, key })))),
  )
  return {
    description: [
      `${scattering.name}, signed root, whitening of ridge ${ridge} by ${leaves} dead leaves from ${key.words.join(' ')}`,
      `unit length, constant ${constant}`,
    ].join(', '),
    size,
    features: inPieces((images) =>
      normalised(
        backend.scope(() => whiten(backend, whitening())(roots(images))),
        constant,
      ),
    ),
  }
}
