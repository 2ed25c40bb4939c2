/**
 * Group normalisation: x [n, c, …] as n·g rows, each of which is normalised.
 */
import { ShapeEq, shapeError } from '../../shape.js'
import { size, type Tensor } from '../../tensor.js'
import type { Backend } from '../backend.js'
import { type GroupExtents, groupExtents, pulledExtents } from '../group-extents.js'
import { powerUpTo } from './chain.js'
import type { Device } from './device.js'
import { binaryOps, kernel, thenOf } from './kernel.js'

/** Numbers that a chunk handles. */
const PART = 16384

/** A chunk for each so many groups. */
const sharing = ({ n, c, groups, pixels }: GroupExtents) => {
  const units = n * groups
  const most = Math.max(1, Math.floor((PART * groups) / (c * pixels)))
  const unitsPerChunk = most < groups ? most : groups * powerUpTo(most / groups)
  const split = { samples: n, p: groups, q: unitsPerChunk }
  return { units, unitsPerChunk, parts: Math.ceil(units / unitsPerChunk), split }
}

export const normalisations = (device: Device): Pick<Backend, 'groupNorm' | 'groupNormGrad'> => {
  const vector = (t: Tensor | undefined): number => (t === undefined ? 0 : device.dense(t))

  const groupNorm: Backend['groupNorm'] = (x, { groups, epsilon }, { weight, bias }, then) => {
    const extents = groupExtents(x, groups, weight, bias)
    const [from, scale, shift] = [device.dense(x), vector(weight), vector(bias)]
    const y = device.result('float32', x.shape)
    if (size(x) === 0)
      return {
        y: y.tensor,
        mean: device.filled('float32', [extents.n, groups], 0),
        inverseDeviation: device.filled('float32', [extents.n, groups], 1 / Math.sqrt(epsilon)),
      }
    const mean = device.result('float32', [extents.n, groups])
    const inverseDeviation = device.result('float32', [extents.n, groups])
    const { units, unitsPerChunk, parts, split } = sharing(extents)
    device.launch({
      kernel: kernel.groupNorm,
      arguments: [
        ...[from, y.address, scale, shift, mean.address, inverseDeviation.address],
        ...[extents.c / groups, extents.pixels, groups],
        ...new Int32Array(Float64Array.of(epsilon).buffer),
        ...[units, unitsPerChunk, thenOf(then)],
      ],
      parts,
      cost: size(x),
      footprint: {
        split,
        reads: [from, 4 * size(x)],
        writes: [y.address, 4 * size(x), mean.address, 4 * units, inverseDeviation.address, 4 * units],
        common: [scale, 4 * extents.c, shift, 4 * extents.c],
      },
    })
    return { y: y.tensor, mean: mean.tensor, inverseDeviation: inverseDeviation.tensor }
  }

  const groupNormGrad: Backend['groupNormGrad'] = (x, gy, weight, statistics, through) => {
    const extents = pulledExtents(x, gy, weight, statistics)
    if (through !== undefined && !ShapeEq.equals(through.y.shape, gy.shape))
      throw shapeError(
        'groupNormGrad: the output of the activation has not the shape of its cotangent',
        through.y.shape,
        gy.shape,
      )
    const [from, cotangent, scale] = [device.dense(x), device.dense(gy), vector(weight)]
    const [mean, inverseDeviation] = [device.dense(statistics.mean), device.dense(statistics.inverseDeviation)]
    const behind = through === undefined ? 0 : device.dense(through.y)
    const gx = device.result('float32', x.shape)
    if (size(x) === 0) {
      const none = (): Tensor => device.filled('float32', x.shape.slice(0, 2), 0)
      return { gx: gx.tensor, ofWeight: none(), ofBias: none() }
    }
    const ofWeight = device.result('float32', x.shape.slice(0, 2))
    const ofBias = device.result('float32', x.shape.slice(0, 2))
    const { units, unitsPerChunk, parts, split } = sharing(extents)
    device.launch({
      kernel: kernel.groupNormGrad,
      arguments: [
        ...[from, cotangent, scale, gx.address, mean, inverseDeviation],
        ...[extents.c / extents.groups, extents.pixels, extents.groups],
        ...[ofWeight.address, ofBias.address, units, unitsPerChunk],
        ...[behind, through === undefined ? 0 : binaryOps[through.op]],
      ],
      parts,
      cost: size(x),
      scratch: behind === 0 ? 0 : (4 * size(x)) / (extents.n * extents.groups) + 16,
      footprint: {
        split,
        reads: [
          ...[from, 4 * size(x), cotangent, 4 * size(x), mean, 4 * units, inverseDeviation, 4 * units],
          ...(behind === 0 ? [] : [behind, 4 * size(x)]),
        ],
        writes: [
          ...[gx.address, 4 * size(x)],
          ...[ofWeight.address, 4 * extents.n * extents.c, ofBias.address, 4 * extents.n * extents.c],
        ],
        common: [scale, 4 * extents.c],
      },
    })
    return { gx: gx.tensor, ofWeight: ofWeight.tensor, ofBias: ofBias.tensor }
  }

  return { groupNorm, groupNormGrad }
}
