/**
 * Group normalisation from elementwise kernels and sums: n·g rows, each of which is normalised.
 */
import { sizeOf } from '../../shape.js'
import { isContiguous, scalar, type Tensor } from '../../tensor.js'
import { reshape } from '../../view.js'
import type { Backend } from '../backend.js'
import { type GroupExtents, groupExtents, pulledExtents } from '../group-extents.js'

/** Numbers of a group, not counting a group of none as one that could be divided by. */
const numbersOf = ({ c, groups, pixels }: GroupExtents): number => Math.max(1, (c / groups) * pixels)

export const normalisations = ({
  map,
  zip,
  sum,
}: Pick<Backend, 'map' | 'zip' | 'sum'>): Pick<Backend, 'groupNorm' | 'groupNormGrad'> => {
  const shaped = (shape: readonly number[], x: Tensor): Tensor =>
    reshape(shape)(isContiguous(x) ? x : zip('mul', x, scalar(1)))
  const inGroups = ({ n, c, groups, pixels }: GroupExtents, x: Tensor): Tensor =>
    shaped([n, groups, (c / groups) * pixels], x)
  const inChannels = ({ n, c, pixels }: GroupExtents, x: Tensor): Tensor => shaped([n, c, pixels], x)
  const ofGroup = ({ n, groups }: GroupExtents, t: Tensor): Tensor => shaped([n, groups, 1], t)
  const ofChannel = (t: Tensor): Tensor => shaped([sizeOf(t.shape), 1], t)
  const meanOf = (extents: GroupExtents, rows: Tensor): Tensor =>
    zip('mul', sum(rows, [2]), scalar(1 / numbersOf(extents), 'float64'))

  const groupNorm: Backend['groupNorm'] = (x, { groups, epsilon }, { weight, bias }) => {
    const extents = groupExtents(x, groups, weight, bias)
    const rows = inGroups(extents, x)
    const mean = meanOf(extents, rows)
    const centred = zip('sub', rows, ofGroup(extents, mean))
    const variance = meanOf(extents, map('square', centred))
    const inverseDeviation = map('reciprocal', map('sqrt', zip('add', variance, scalar(epsilon, 'float64'))))
    const normalised = inChannels(extents, zip('mul', centred, ofGroup(extents, inverseDeviation)))
    const scaled = weight === undefined ? normalised : zip('mul', normalised, ofChannel(weight))
    const y = bias === undefined ? scaled : zip('add', scaled, ofChannel(bias))
    return { y: reshape(x.shape)(y), mean, inverseDeviation }
  }

  const groupNormGrad: Backend['groupNormGrad'] = (x, gy, weight, { mean, inverseDeviation }) => {
    const extents = pulledExtents(x, gy, weight, { mean, inverseDeviation })
    const inverse = ofGroup(extents, inverseDeviation)
    const normalised = zip('mul', zip('sub', inGroups(extents, x), ofGroup(extents, mean)), inverse)
    const cotangent = inChannels(extents, gy)
    const ofWeight = sum(zip('mul', cotangent, inChannels(extents, normalised)), [2])
    const ofBias = sum(cotangent, [2])
    const scaled = inGroups(extents, weight === undefined ? cotangent : zip('mul', cotangent, ofChannel(weight)))
    const shift = ofGroup(extents, meanOf(extents, scaled))
    const along = ofGroup(extents, meanOf(extents, zip('mul', scaled, normalised)))
    const rest = zip('sub', zip('sub', scaled, shift), zip('mul', normalised, along))
    return { gx: reshape(x.shape)(zip('mul', rest, inverse)), ofWeight, ofBias }
  }

  return { groupNorm, groupNormGrad }
}
