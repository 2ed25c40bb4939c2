/**
 * Group normalisation on a device whose threads work in groups: two launches, and three for the adjoint.
 */
import { isContiguous, size, type Tensor } from '../../tensor.js'
import { reshape, slice } from '../../view.js'
import type { Backend } from '../backend.js'
import { type GroupExtents, groupExtents, pulledExtents } from '../group-extents.js'
import { dense, strided } from './operands.js'
import type { Session, Slot } from './session.js'

/** Numbers that follow each other from a place of a slot. */
interface Vector {
  readonly slot: Slot
  readonly offset: number
}

type Normalisations = Pick<Backend, 'groupNorm' | 'groupNormGrad'>

/** On a session whose device has kernels of groups; `ofNone` is asked where there are no numbers. */
export const groupNormalisations = (session: Session, ofNone: Normalisations): Normalisations => {
  const on = dense(session)
  const vector = (t: Tensor): Vector => (isContiguous(t) ? strided(session)(t) : { slot: on(t), offset: 0 })

  /** Two tensors of a shape that lie one after the other. */
  const halves = (slot: Slot, shape: readonly number[]): readonly [Tensor, Tensor] => {
    const both = session.tensorOf(slot, [2, ...shape])
    const half = (start: number): Tensor => reshape(shape)(slice({ axis: 0, start, end: start + 1 })(both))
    return [half(0), half(1)]
  }

  /** Numbers of a row, pixels, channels, where the statistics are, whether there is a scale and a shift. */
  const parametersOf = (
    { c, groups, pixels }: GroupExtents,
    mean: Vector,
    deviation: Vector,
    weight: Tensor | undefined,
    bias?: Tensor,
  ): readonly number[] => [
    (c / groups) * pixels,
    pixels,
    c,
    mean.offset,
    deviation.offset,
    weight === undefined ? 0 : 1,
    bias === undefined ? 0 : 1,
  ]

  const groupNorm: Backend['groupNorm'] = (x, options, affine) => {
    if (size(x) === 0) return ofNone.groupNorm(x, options, affine)
    const { groups, epsilon } = options
    const { weight, bias } = affine
    const extents = groupExtents(x, groups, weight, bias)
    const { n, c, pixels } = extents
    const rows = n * groups
    const given = on(x)
    const statistics = session.launch('groupStatistics', [given], [(c / groups) * pixels, epsilon], 2 * rows)
    const [mean, inverseDeviation] = halves(statistics, [n, groups])
    const operands = [
      given,
      statistics,
      statistics,
      weight === undefined ? given : on(weight),
      bias === undefined ? given : on(bias),
    ]
    const own = { slot: statistics, offset: 0 }
    const parameters = parametersOf(extents, own, { ...own, offset: rows }, weight, bias)
    const y = session.tensorOf(session.launch('groupNormalised', operands, parameters, size(x)), x.shape)
    return { y, mean, inverseDeviation }
  }

  const groupNormGrad: Backend['groupNormGrad'] = (x, gy, weight, { mean, inverseDeviation }) => {
    const extents = pulledExtents(x, gy, weight, { mean, inverseDeviation })
    const { n, c, groups, pixels } = extents
    if (size(x) === 0) return ofNone.groupNormGrad(x, gy, weight, { mean, inverseDeviation })
    const rows = n * groups
    const [means, deviations] = [vector(mean), vector(inverseDeviation)]
    const given = on(x)
    const operands = [given, on(gy), means.slot, deviations.slot]
    const parameters = parametersOf(extents, means, deviations, weight)
    const scaled = [...operands, weight === undefined ? given : on(weight)]
    const along = session.launch('groupMeans', scaled, parameters, 2 * rows)
    const gx = session.launch('groupNormGrad', [...scaled, along], [...parameters, rows], size(x))
    const places = [pixels, c / groups, means.offset, deviations.offset]
    const [ofWeight, ofBias] = halves(session.launch('channelSums', operands, places, 2 * n * c), [n, c])
    return { gx: session.tensorOf(gx, x.shape), ofWeight, ofBias }
  }

  return { groupNorm, groupNormGrad }
}
