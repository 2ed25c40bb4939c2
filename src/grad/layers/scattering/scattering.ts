/**
 * The scattering transform: wavelets, moduli and averages, with nothing to learn.
 *
 * Legend: n sample · c plane of the input · J scales · L angles · h, w pixel · m lane (sample and plane) · x ⋆ ψ circular
 * convolution on the padded image.
 */
import type { Backend } from '../../../tensor/backend/backend.js'
import { type Shape, shapeError, sizeOf } from '../../../tensor/shape.js'
import { scalar, type Tensor } from '../../../tensor/tensor.js'
import type { EmptyTree } from '../../../tensor/tree.js'
import { concatenate, reshape, transpose } from '../../../tensor/view.js'
import { type LayerRule, withoutParams } from '../../layer.js'
import { packed, packedAs, parted, pick } from '../../pack.js'
import { type Branch, type Network, networkOf, paddedExtent, range } from './network.js'
import { adjointLowPass, adjointStage, applyLowPass, applyStage } from './stage.js'

/** The settings of `scattering2d`. */
export interface ScatteringOptions {
  /** J: averages reach 2ᴶ pixels. Default 2. */
  readonly scales?: number
  /** L: directions of wavelets. The filters are made for 8, the default. */
  readonly angles?: number
}

/** Convolutions with wavelets before their modulus, [2, h, w, f·m], in the order of the branches. */
export interface ScatteringCache {
  readonly input: Shape
  readonly waves: readonly Wave[]
}

interface Wave {
  readonly branch: Branch
  readonly z: Tensor
  readonly next: readonly Wave[]
}

/** √(re² + im²) of [2, h, w, m]. */
const modulus = (backend: Backend, z: Tensor): Tensor => {
  const squares = backend.map('square', z)
  return backend.map('sqrt', backend.zip('add', pick(0, 0, squares), pick(0, 1, squares)))
}

/** Below it, a modulus is taken for 0, where it has no derivative: the cotangent is then at most as long. */
const tiny = scalar(1e-18)

/** gr · z/|z|. */
const modulusGrad = (backend: Backend, z: Tensor, gr: Tensor): Tensor =>
  backend.zip('mul', z, backend.zip('div', gr, backend.zip('max', modulus(backend, z), tiny)))

/** A plane as it goes through a branch: its waves, and their moduli [h, w, f·m]. */
interface Scattered {
  readonly branch: Branch
  readonly z: Tensor
  readonly moduli: Tensor
}

const scatter =
  (backend: Backend, x: Tensor) =>
  (branch: Branch): Scattered => {
    const z = applyStage(backend, branch.stage)(x)
    return { branch, z, moduli: modulus(backend, z) }
  }

/** Averages [h′, w′, …filters, m] of moduli; the earlier of two filters is the inner axis. */
const averaged =
  (backend: Backend, filters: readonly number[], lanes: number) =>
  ({ branch, moduli }: Scattered): Tensor => {
    const y = applyLowPass(backend, branch.average)(moduli)
    return reshape([...y.shape.slice(0, 2), ...filters, lanes])(y)
  }

/**
 * The scattering transform of images, of order two: local averages of the image, of the moduli of its wavelet transform, and
 * of the moduli of theirs.
 *
 *   S₀ = x ⋆ φ     S₁(j, ℓ) = |x ⋆ ψ_{jℓ}| ⋆ φ     S₂(j, ℓ, j′, ℓ′) = ||x ⋆ ψ_{jℓ}| ⋆ ψ_{j′ℓ′}| ⋆ φ,  j < j′
 *   each at every 2ᴶth pixel
 *
 * The image is first mirrored at its edges, to (⌊h / 2ᴶ⌋ + 2) 2ᴶ rows and as many columns for w; on that periodic grid the
 * convolutions are exact, and what moduli and averages do not need of their resolution is left out by the rules of the
 * definition.
 *
 * Shapes     x [n, c, h, w] → y [n, c·K, ⌊h / 2ᴶ⌋, ⌊w / 2ᴶ⌋], K = 1 + JL + L²J(J − 1)/2: 81 by default; the K coefficients
 *            of a plane stand together, S₀, S₁ by (j, ℓ), S₂ by (j, ℓ, j′, ℓ′)
 * Cost       at 28×28 pixels 14 million multiply-adds a plane, in products of matrices that are made with the first batch of a
 *            size: O(J² L hw²) numbers, meant for images of up to some 64 pixels
 * Guarantee  a sample's coefficients depend on that sample alone. The derivative of a modulus below 1e-18 is taken for 0
 * Errors     ShapeError unless x has four axes and every edge is long enough to be mirrored; RangeError for options that
 *            are no filter bank
 * Reference  Mallat 2012, arXiv:1101.2286; Bruna, Mallat 2013, arXiv:1203.1513; filters and conventions of Kymatio's
 *            Scattering2D (Andreux et al. 2020, arXiv:1812.11214). For private learning: Tramèr, Boneh 2021, arXiv:2011.11660
 *
 * @example
 * scattering2d().init(key(0), [1, 28, 28]).output // => [81, 7, 7]
 */
export const scattering2d = ({
  scales = 2,
  angles = 8,
}: ScatteringOptions = {}): LayerRule<EmptyTree, ScatteringCache> => {
  const name = `scattering2d(J = ${scales}, L = ${angles})`
  for (const [option, value] of Object.entries({ scales, angles }))
    if (!(Number.isSafeInteger(value) && value >= 1))
      throw new RangeError(`scattering2d: ${option} is ${value}: it must be a whole number ≥ 1`)
  const networks = new Map<string, Network>()
  const networkFor = (height: number, width: number): Network => {
    const size = `${height}×${width}`
    const network = networks.get(size) ?? networkOf([height, width], scales, angles)
    networks.set(size, network)
    return network
  }

  /** Coefficients that stand together: of order 0, of order 1 by scale, of order 2 by the scale that comes first. */
  const groups = [
    1,
    ...range(scales).map(() => angles),
    ...range(scales).map((scale) => (scales - 1 - scale) * angles * angles),
  ]
  const coefficients = groups.reduce((sum, count) => sum + count, 0)

  const output = (input: Shape): readonly [number, number, number] => {
    const [planes, height, width] = input
    if (planes === undefined || height === undefined || width === undefined || input.length !== 3)
      throw shapeError(`${name} takes images [c, h, w]`, input)
    if ([height, width].some((extent) => 2 * extent <= paddedExtent(extent, scales) - extent + 1))
      throw shapeError(`${name}: the image is too small to be mirrored at its edges`, input)
    return [planes * coefficients, Math.floor(height / 2 ** scales), Math.floor(width / 2 ** scales)]
  }

  /** Coefficients [K, h′, w′, m] of planes [h, w, m], and what the backward pass needs. */
  const coefficientsOf = (backend: Backend, { average, branches }: Network, plane: Tensor) => {
    const lanes = plane.shape[2] as number
    const first = branches.map(scatter(backend, plane))
    const second = first.map(({ branch, moduli }) => branch.next.map(scatter(backend, moduli)))
    const mean = applyLowPass(backend, average)(plane)
    const singles = first.map(averaged(backend, [angles], lanes)).map(transpose([2, 0, 1, 3]))
    const pairs = second.flatMap((later) => {
      const views = later.map(averaged(backend, [angles, angles], lanes)).map(transpose([3, 2, 0, 1, 4]))
      return range(angles).flatMap((angle) => views.map((view) => pick(0, angle, view)))
    })
    const waves = first.map(({ branch, z }, scale) => ({
      branch,
      z,
      next: (second[scale] as readonly Scattered[]).map((later) => ({ branch: later.branch, z: later.z, next: [] })),
    }))
    return { waves, y: concatenate([reshape([1, ...mean.shape])(mean), ...singles, ...pairs]) }
  }

  /** The adjoint: from cotangents of the coefficients to those of the planes. */
  const planeGrad = (backend: Backend, { average }: Network, waves: readonly Wave[], gy: Tensor): Tensor => {
    const [, rows, columns, lanes] = gy.shape as readonly [number, number, number, number]
    const [mean, ...rest] = parted(0, groups, gy) as readonly [Tensor, ...Tensor[]]
    const add = (a: Tensor, b: Tensor): Tensor => backend.zip('add', a, b)
    const unaveraged = ({ branch }: Wave, axes: readonly number[], part: Tensor): Tensor => {
      const filters = sizeOf(axes.slice(2, -1).map((axis) => part.shape[axis] as number))
      return adjointLowPass(
        backend,
        branch.average,
      )(packedAs(backend, [rows, columns, filters * lanes], transpose(axes)(part)))
    }
    const through = ({ branch, z }: Wave, gr: Tensor): Tensor =>
      adjointStage(backend, branch.stage)(modulusGrad(backend, z, gr))
    return waves
      .map((wave, scale) => {
        const single = unaveraged(wave, [1, 2, 0, 3], rest[scale] as Tensor)
        const pairs = reshape([angles, wave.next.length, angles, rows, columns, lanes])(rest[scales + scale] as Tensor)
        return through(
          wave,
          wave.next
            .map((later, index) => through(later, unaveraged(later, [2, 3, 1, 0, 4], pick(1, index, pairs))))
            .reduce(add, single),
        )
      })
      .reduce(add, adjointLowPass(backend, average)(reshape([rows, columns, lanes])(mean)))
  }

  return withoutParams({
    name,
    output,
    forward: (backend, x) => {
      const [count, planes, height, width] = x.shape as readonly [number, number, number, number]
      const shape = output(x.shape.slice(1))
      const plane = packedAs(backend, [height, width, count * planes], transpose([2, 3, 0, 1])(x))
      const { y, waves } = coefficientsOf(backend, networkFor(height, width), plane)
      return [packedAs(backend, [count, ...shape], transpose([3, 0, 1, 2])(y)), { input: x.shape, waves }]
    },
    backward: (backend, { input, waves }, gy) => {
      const [count, planes, height, width] = input as readonly [number, number, number, number]
      const [rows, columns] = gy.shape.slice(2) as readonly number[] as readonly [number, number]
      const byLane = packedAs(backend, [count * planes, coefficients, rows, columns], gy)
      const cotangent = packed(backend, transpose([1, 2, 3, 0])(byLane))
      const gx = planeGrad(backend, networkFor(height, width), waves, cotangent)
      return packedAs(backend, input, transpose([2, 0, 1])(gx))
    },
  })
}
