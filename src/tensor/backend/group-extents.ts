/**
 * What the operands of a group normalisation must be.
 */
import { type Shape, ShapeEq, shapeError, sizeOf } from '../shape.js'
import type { Tensor } from '../tensor.js'
import type { GroupStatistics } from './backend.js'

/** Extents of x [n, c, …] in groups. */
export interface GroupExtents {
  readonly n: number
  readonly c: number
  readonly groups: number
  readonly pixels: number
}

/** @throws ShapeError unless there are samples and channels, groups divide these, and there is one of each affine for each */
export const groupExtents = (x: Tensor, groups: number, ...affine: readonly (Tensor | undefined)[]): GroupExtents => {
  const [n, c, ...plane] = x.shape
  if (n === undefined || c === undefined || !(Number.isInteger(groups) && groups > 0 && c % groups === 0))
    throw shapeError(`groupNorm: ${groups} groups do not divide the channels`, x.shape)
  for (const p of affine)
    if (p !== undefined && !ShapeEq.equals(p.shape, [c]))
      throw shapeError('groupNorm: one scale and one shift for each channel', p.shape, x.shape)
  return { n, c, groups, pixels: sizeOf(plane) }
}

/** @throws ShapeError unless the cotangent and the statistics fit the input */
export const pulledExtents = (
  x: Tensor,
  gy: Tensor,
  weight: Tensor | undefined,
  statistics: GroupStatistics,
): GroupExtents => {
  const extents = groupExtents(x, statistics.mean.shape[1] ?? 0, weight)
  if (!ShapeEq.equals(x.shape, gy.shape))
    throw shapeError('groupNormGrad: the cotangent has not the shape of the input', gy.shape, x.shape)
  const wanted: Shape = [extents.n, extents.groups]
  for (const { shape } of [statistics.mean, statistics.inverseDeviation])
    if (!ShapeEq.equals(shape, wanted))
      throw shapeError('groupNormGrad: one mean and one deviation for each group', shape, x.shape)
  return extents
}
