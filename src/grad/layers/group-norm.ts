/**
 * Group normalisation: the normalisation that private learning can use, since it never looks across samples.
 * n sample · g group · c channel · m position within a group (its channels and pixels).
 */
import type { Backend } from '../../tensor/backend/backend.js'
import { mapTensor } from '../../tensor/elementwise.js'
import { type Shape, shapeError, sizeOf } from '../../tensor/shape.js'
import { cast, full, scalar, size, storageOf, type Tensor, toArray, unsafeTensor, zeros } from '../../tensor/tensor.js'
import { reshape } from '../../tensor/view.js'
import { keepingPullback, type LayerRule, layer, lazy } from '../layer.js'
import { packedAs } from '../pack.js'

/** weight γ [c] and bias β [c]; no bias, or neither, where left out. */
export type GroupNormParams = { readonly weight?: Tensor; readonly bias?: Tensor }

/** The settings of `groupNorm`. */
export interface GroupNormOptions {
  /** Must divide the channels. */
  readonly groups: number
  /** Default 1e-5. */
  readonly epsilon?: number
  /** Scale and shift? Default true. */
  readonly affine?: boolean
  /** Shift, if scaled? Default true. */
  readonly bias?: boolean
}

/** The input about the mean of its group, [n, c, …], and 1/σ of each group, [n·g]. */
export interface GroupNormCache {
  readonly centred: Tensor
  readonly inverseDeviation: Tensor
}

/** Σ gy and Σ gy x̂ over the pixels of each channel of each sample, [n·c]: the gradients of shift and scale. */
interface ChannelSums {
  readonly ofShift: Float64Array
  readonly ofScale: Float64Array
}

/** As many ones as an activation of this rank has axes after n and c. */
const onesFor = (rank: number): readonly number[] => new Array<number>(rank - 2).fill(1)

/** Loops of their own, so that V8 compiles them for one kind of array: these run once for each channel of each sample. */
const ofEachChannel = (count: number, each: number, ofGroup: Tensor): Float64Array => {
  const values = storageOf(ofGroup)
  const out = new Float64Array(count)
  for (let i = 0, group = 0; i < count; group++) for (let k = 0; k < each; k++) out[i++] = values[group] as number
  return out
}

/** The numbers of a row-major tensor in float64. */
const numbersOfTensor = (t: Tensor): Float64Array => {
  const { offset } = t
  return Float64Array.from(storageOf(t).subarray(offset, offset + size(t)))
}

/** [c] as [c, 1, …], to meet [n, c, …]. */
const perChannel = (p: Tensor, rank: number): Tensor => reshape([...p.shape, ...onesFor(rank)])(p)

/**
 * Normalises each group of channels of each sample, then scales and shifts each channel.
 *
 *   x̂ = (x − μ_{n,g}) / √(σ²_{n,g} + ε)     y = γ_c x̂ + β_c     gγ = Σ gy x̂     gβ = Σ gy     (sums over pixels)
 *
 * Shapes     x [n, c, …] → y of the same shape
 * Cost       per-sample gradients are 2c numbers, and are kept
 * Reference  Wu, He 2018, arXiv:1803.08494
 *
 * @example
 * groupNorm({ groups: 2 }).init(key(0), [6, 4, 3]).output // => [6, 4, 3]
 */
export const groupNorm = ({
  groups,
  epsilon = 1e-5,
  affine = true,
  bias: shifts = true,
}: GroupNormOptions): LayerRule<GroupNormParams, GroupNormCache> => {
  const inGroups = (x: Tensor): Tensor => {
    const n = x.shape[0] as number
    return reshape([n, groups, sizeOf(x.shape.slice(1)) / groups])(x)
  }
  /** A row for each channel of each sample, [n·c, pixels]. */
  const byChannel = (backend: Backend, x: Tensor): Tensor =>
    packedAs(backend, [sizeOf(x.shape.slice(0, 2)), sizeOf(x.shape.slice(2))], x)
  /** Numbers of a group, not counting a group of none as one that could be divided by. */
  const numbersOf = (x: Tensor): number => Math.max(1, sizeOf(x.shape.slice(1)) / groups)

  /** γ_c / σ_{n,g}, [n, c, 1, …]: what an input about its mean, or a cotangent, is multiplied by. */
  const scales = (weight: Tensor | undefined, inverseDeviation: Tensor, x: Tensor): Tensor => {
    const [n, c] = x.shape as readonly [number, number]
    const all = ofEachChannel(n * c, c / groups, inverseDeviation)
    if (weight !== undefined) {
      const gamma = toArray(weight)
      for (let i = 0, channel = 0; i < all.length; i++) {
        all[i] = (all[i] as number) * (gamma[channel] as number)
        channel = channel + 1 === c ? 0 : channel + 1
      }
    }
    return unsafeTensor(all, [n, c, ...onesFor(x.shape.length)])
  }

  const sumsOf = (backend: Backend, { centred, inverseDeviation }: GroupNormCache, gy: Tensor): ChannelSums => {
    const [n, c] = gy.shape as readonly [number, number]
    const [cotangents, rows] = [byChannel(backend, gy), byChannel(backend, centred)]
    const dots = numbersOfTensor(backend.rowDots(cotangents, rows))
    const ofScale = ofEachChannel(n * c, c / groups, inverseDeviation)
    for (let i = 0; i < ofScale.length; i++) ofScale[i] = (ofScale[i] as number) * (dots[i] as number)
    return { ofShift: numbersOfTensor(backend.sum(cotangents, [1])), ofScale }
  }

  /** gx = (ĝ − mean ĝ − x̂ mean(ĝ x̂)) / σ with ĝ = γ gy: the part of ĝ that neither shift nor scale of a group explains. */
  const pulled = (
    backend: Backend,
    { weight }: GroupNormParams,
    { centred, inverseDeviation }: GroupNormCache,
    gy: Tensor,
    { ofShift, ofScale }: ChannelSums,
  ): Tensor => {
    const [n, c] = gy.shape as readonly [number, number]
    const gamma = weight === undefined ? undefined : toArray(weight)
    const inverse = storageOf(inverseDeviation)
    const [each, numbers] = [c / groups, numbersOf(gy)]
    const [shift, along] = [new Float64Array(n * groups), new Float64Array(n * groups)]
    for (let group = 0, i = 0; group < n * groups; group++) {
      const deviation = inverse[group] as number
      let [shifts, scaled] = [0, 0]
      for (let k = 0; k < each; k++, i++) {
        const share = gamma === undefined ? 1 : (gamma[i % c] as number)
        shifts += share * (ofShift[i] as number)
        scaled += share * (ofScale[i] as number)
      }
      shift[group] = (shifts * deviation) / numbers
      along[group] = (scaled * deviation * deviation) / numbers
    }
    const ofGroup = (values: Float64Array): Tensor => unsafeTensor(values, [n, groups, 1])
    return backend.scope(() => {
      const scaled = inGroups(backend.zip('mul', gy, scales(weight, inverseDeviation, gy)))
      const alongScale = backend.zip('mul', inGroups(centred), ofGroup(along))
      const rest = backend.zip('sub', scaled, alongScale)
      return reshape(gy.shape)(backend.zip('sub', rest, ofGroup(shift)))
    })
  }

  const gradientsFrom = (backend: Backend, params: GroupNormParams, gy: Tensor, sums: ChannelSums): GroupNormParams => {
    const rows = (values: Float64Array): Tensor => cast(backend.dtype)(unsafeTensor(values, gy.shape.slice(0, 2)))
    return {
      ...(params.weight === undefined ? {} : { weight: rows(sums.ofScale) }),
      ...(params.bias === undefined ? {} : { bias: rows(sums.ofShift) }),
    }
  }

  return layer<GroupNormParams, GroupNormCache>({
    name: `groupNorm(${groups})`,
    init: (_key, input: Shape) => {
      const [channels] = input
      if (channels === undefined || channels % groups !== 0)
        throw shapeError(`groupNorm: ${groups} groups do not divide the channels`, input)
      return {
        params: affine ? { weight: full(1, [channels]), ...(shifts ? { bias: zeros([channels]) } : {}) } : {},
        output: input,
      }
    },
    // Scopes give back what stands between x and y.
    forward: (backend, { weight, bias }, x) =>
      backend.scope(() => {
        const grouped = inGroups(x)
        const [n, , m] = grouped.shape as readonly [number, number, number]
        const share = scalar(1 / numbersOf(x), 'float64')
        const mean = backend.zip('mul', reshape([n, groups, 1])(backend.sum(grouped, [2])), share)
        const about = backend.zip('sub', grouped, mean)
        const rows = reshape([n * groups, m])(about)
        const inverseDeviation = mapTensor((square) => 1 / Math.sqrt(square / numbersOf(x) + epsilon))(
          backend.rowDots(rows, rows),
        )
        const centred = reshape(x.shape)(about)
        const scaled = backend.zip('mul', centred, scales(weight, inverseDeviation, x))
        const y = bias === undefined ? scaled : backend.zip('add', scaled, perChannel(bias, x.shape.length))
        return [y, { centred, inverseDeviation }]
      }),
    backward: (backend, params, cache, gy) => pulled(backend, params, cache, gy, sumsOf(backend, cache, gy)),
    perSampleGrad: (backend, params, cache, gy) => gradientsFrom(backend, params, gy, sumsOf(backend, cache, gy)),
    pullback: (backend, params, cache, gy) => {
      const sums = lazy(() => sumsOf(backend, cache, gy))
      const shared = {
        backward: () => pulled(backend, params, cache, gy, sums()),
        perSampleGrad: () => gradientsFrom(backend, params, gy, sums()),
      }
      return keepingPullback(shared, backend, params, cache, gy)
    },
  })
}
