/**
 * Convolution and its adjoints: products with patches, sample by sample.
 */
import { ShapeEq, shapeError, sizeOf } from '../../shape.js'
import { size, type Tensor } from '../../tensor.js'
import { type Convolution2d, convolutionOutput } from '../../window.js'
import type { Backend } from '../backend.js'
import { adjointOf, turnedWeight } from './adjoint.js'
import type { Device } from './device.js'
import { geometry, type Quad } from './geometry.js'
import { kernel, thenOf } from './kernel.js'
import { blockOf, COST, chunking, dimensions, PATCH_BYTES, patchRow, roundUp } from './patches.js'
import { sumRuns } from './run-sums.js'
import { filtered } from './winograd.js'
import { filteredGrad, filteredSum, filteredSumRows, isFilteredGrad } from './winograd-grad.js'
import { isFiltered } from './winograd-tiling.js'

type Convolutions = Pick<
  Required<Backend>,
  | 'conv2d'
  | 'conv2dInputGrad'
  | 'conv2dPerSampleGrad'
  | 'conv2dNormedGrad'
  | 'conv2dSquaredNorm'
  | 'conv2dGramSquaredNorm'
  | 'conv2dWeightedGrad'
>

export const convolutions = (device: Device): Convolutions => {
  /** Lets the body launch what reads a weight in panels: their address, and their bytes. */
  const packed = (
    weight: number,
    convolution: Convolution2d,
    shape: Quad,
    transposed: boolean,
    body: (panels: number, bytes: number) => void,
  ): void => {
    const [o, group, kh, kw] = shape
    const entries = group * kh * kw
    const outputs = o / convolution.groups
    const numbers = convolution.groups * (transposed ? entries * roundUp(outputs, 8) : outputs * roundUp(entries, 8))
    const none: Quad = [0, group * convolution.groups, 1, 1]
    device.aside(numbers, (panels) => {
      device.launch({
        kernel: kernel.packWeights,
        arguments: [
          ...[weight, panels, transposed ? 1 : 0, 0, 0, 0, 0, 0],
          ...geometry(convolution, convolution.groups, none, [0, o, 1, 1]),
        ],
        parts: 1,
        cost: 0,
        footprint: { reads: [weight, 4 * sizeOf(shape)], writes: [panels, 4 * numbers] },
      })
      body(panels, 4 * numbers)
    })
  }

  const byFiltering = (
    operands: Omit<Parameters<typeof filtered>[1], 'out'>,
    convolution: Convolution2d,
    input: Quad,
    output: Quad,
  ): Tensor => {
    const { tensor, address } = device.result('float32', output)
    if (size(tensor) > 0) filtered(device, { ...operands, out: address }, convolution, input, output)
    return tensor
  }

  /** The forward product, of operands at these addresses. */
  const correlate = (
    { x, weight, bias, op }: Omit<Parameters<typeof filtered>[1], 'out' | 'turned'>,
    convolution: Convolution2d,
    { input, kernels, output }: { readonly input: Quad; readonly kernels: Quad; readonly output: Quad },
  ): Tensor => {
    const { tensor, address } = device.result('float32', output)
    if (size(tensor) === 0) return tensor
    const { group, taps, positions, work } = dimensions(convolution, input, output)
    const row = patchRow(group * taps, convolution.kernel[1])
    const block = blockOf(positions, row, Number.POSITIVE_INFINITY)
    const blocks = Math.ceil(positions / block)
    const units = output[0] * convolution.groups * blocks
    const { perChunk, parts } = chunking(units, work / blocks)
    packed(weight, convolution, kernels, true, (panels, bytes) =>
      device.launch({
        kernel: kernel.convolve,
        arguments: [
          ...[x, panels, bias, address, op, 0, 0, 0],
          ...geometry(convolution, convolution.groups, input, output),
          ...[4 * row, block, 0, units, perChunk],
        ],
        parts,
        cost: COST * work * output[0] * convolution.groups,
        scratch: 128 + 4 * row * (block + 4),
        footprint: {
          split: { samples: output[0], p: convolution.groups * blocks, q: perChunk },
          reads: [x, 4 * sizeOf(input)],
          writes: [address, 4 * sizeOf(output)],
          common: [panels, bytes, bias, 4 * output[1]],
        },
      }),
    )
    return tensor
  }

  const conv2d: Backend['conv2d'] = (x, weight, bias, convolution, then) => {
    const output = convolutionOutput(convolution, x.shape, weight.shape) as Quad
    const input = x.shape as Quad
    if (bias !== undefined && !ShapeEq.equals(bias.shape, [output[1]]))
      throw shapeError('conv2d: one bias for each output channel', bias.shape, weight.shape)
    const operands = {
      x: device.dense(x),
      weight: device.dense(weight),
      bias: bias === undefined ? 0 : device.dense(bias),
      op: thenOf(then),
    }
    if (isFiltered(convolution, input, output))
      return byFiltering({ ...operands, turned: false }, convolution, input, output)
    return correlate(operands, convolution, { input, kernels: weight.shape as Quad, output })
  }

  const conv2dInputGrad: Backend['conv2dInputGrad'] = (gy, weight, convolution, input) => {
    const output = convolutionOutput(convolution, input, weight.shape) as Quad
    if (!ShapeEq.equals(gy.shape, output))
      throw shapeError('conv2dInputGrad: the cotangent has not the shape of the output', gy.shape, output)
    const turned = adjointOf(convolution, input, output)
    if (turned !== undefined) {
      const [o, c, kh, kw] = weight.shape as Quad
      if (isFiltered(turned, output, input as Quad))
        return byFiltering(
          { x: device.dense(gy), weight: device.dense(weight), bias: 0, op: 0, turned: true },
          turned,
          output,
          input as Quad,
        )
      return correlate(
        { x: device.dense(gy), weight: device.dense(turnedWeight(weight, convolution.groups)), bias: 0, op: 0 },
        turned,
        {
          input: output,
          kernels: [c * convolution.groups, o / convolution.groups, kh, kw],
          output: input as Quad,
        },
      )
    }
    const [from, weights] = [device.dense(gy), device.dense(weight)]
    if (size(gy) === 0) return device.filled('float32', input, 0)
    const { tensor, address } = device.result('float32', input)
    const { group, taps, positions, work } = dimensions(convolution, input, output)
    const row = patchRow(group * taps, convolution.kernel[1])
    const block = blockOf(positions, row, Number.POSITIVE_INFINITY)
    const units = (input[0] as number) * convolution.groups
    const { perChunk, parts } = chunking(units, work)
    packed(weights, convolution, weight.shape as Quad, false, (panels, bytes) =>
      device.launch({
        kernel: kernel.inputGrad,
        arguments: [
          ...[from, panels, address, 0, 0, 0, 0, 0],
          ...geometry(convolution, convolution.groups, input as Quad, output),
          ...[4 * row, block, 0, units, perChunk],
        ],
        parts,
        cost: COST * work * units,
        scratch: 4 * row * (block + 4),
        footprint: {
          split: { samples: output[0], p: convolution.groups, q: perChunk },
          reads: [from, 4 * sizeOf(output)],
          writes: [address, 4 * sizeOf(input)],
          common: [panels, bytes],
        },
      }),
    )
    return tensor
  }

  /** The three gradients of the weight: `mode` is that of `weightGradChunk`. */
  const weightGrad = (
    operands: {
      readonly x: number
      readonly gy: number
      readonly out: number
      readonly weight?: number
      readonly norms?: number
    },
    convolution: Convolution2d,
    input: Quad,
    output: Quad,
    { mode, units, samples }: { readonly mode: 0 | 1 | 2; readonly units: number; readonly samples: number },
  ): void => {
    const { group, outputs, taps, positions, work } = dimensions(convolution, input, output)
    // Long columns of patches in one go, then as many channels as fit beside them.
    const channels = Math.max(1, Math.min(group, Math.floor(PATCH_BYTES / (4 * taps * Math.min(positions, 256)))))
    const row = patchRow(channels * taps, convolution.kernel[1])
    const block = blockOf(positions, row, 400)
    const behind = [0, 4 * outputs * channels * taps, 4 * outputs * positions][mode] as number
    const total = work * (input[0] as number) * convolution.groups
    const { perChunk, parts } = chunking(units, total / units)
    device.launch({
      kernel: kernel.weightGrad,
      arguments: [
        ...[operands.x, operands.gy, operands.out, operands.weight ?? 0, mode, samples, operands.norms ?? 0, 0],
        ...geometry(convolution, convolution.groups, input, output),
        ...[4 * row, block, channels, units, perChunk],
      ],
      parts,
      cost: COST * total,
      scratch: 128 + 4 * row * (block + 1) + behind + 64,
      ...(mode === 2
        ? {}
        : {
            footprint: {
              split: { samples: input[0], p: units / input[0], q: perChunk },
              reads: [operands.x, 4 * sizeOf(input), operands.gy, 4 * sizeOf(output)],
              writes: [
                ...[operands.out, mode === 0 ? 4 * units * group * outputs * taps : 8 * units],
                ...(operands.norms ? [operands.norms, 8 * units] : []),
              ],
            },
          }),
    })
  }

  const weightShape = (x: Tensor, gy: Tensor, convolution: Convolution2d): Quad => {
    const {
      kernel: [kh, kw],
      groups,
    } = convolution
    const shape: Quad = [gy.shape[1] as number, (x.shape[1] as number) / groups, kh, kw]
    if (gy.shape.length !== 4 || !ShapeEq.equals(convolutionOutput(convolution, x.shape, shape), gy.shape))
      throw shapeError('conv2d: the cotangent has not the shape of the output', gy.shape, x.shape)
    return shape
  }

  /** The gradient of each sample, and squared norms of each group of it, unless their address is 0. */
  const sampleGrads = (
    operands: { readonly x: number; readonly gy: number; readonly out: number; readonly norms: number },
    convolution: Convolution2d,
    input: Quad,
    output: Quad,
  ): void => {
    if (isFilteredGrad(convolution, input, output)) filteredGrad(device, operands, convolution, input, output)
    else weightGrad(operands, convolution, input, output, { mode: 0, units: input[0] * convolution.groups, samples: 1 })
  }

  const conv2dPerSampleGrad: Backend['conv2dPerSampleGrad'] = (x, gy, convolution) => {
    const shape = [x.shape[0] as number, ...weightShape(x, gy, convolution)]
    if (size(x) === 0 || size(gy) === 0) return device.filled('float32', shape, 0)
    const operands = { x: device.dense(x), gy: device.dense(gy), norms: 0 }
    const { tensor, address } = device.result('float32', shape)
    sampleGrads({ ...operands, out: address }, convolution, x.shape as Quad, gy.shape as Quad)
    return tensor
  }

  const conv2dNormedGrad: Convolutions['conv2dNormedGrad'] = (x, gy, convolution) => {
    const [n, { groups }] = [x.shape[0] as number, convolution]
    const shape = [n, ...weightShape(x, gy, convolution)]
    if (size(x) === 0 || size(gy) === 0)
      return { grad: device.filled('float32', shape, 0), squaredNorm: device.filled('float64', [n], 0) }
    const { tensor: grad, address: out } = device.result('float32', shape)
    const { tensor: squaredNorm, address } = device.result('float64', [n])
    const operands = { x: device.dense(x), gy: device.dense(gy), out }
    device.arena.temporarily(() => {
      const norms = groups === 1 ? address : device.arena.allocate('float64', n * groups).byteOffset
      sampleGrads({ ...operands, norms }, convolution, x.shape as Quad, gy.shape as Quad)
      if (groups > 1) sumRuns(device, norms, address, n, groups)
    })
    return { grad, squaredNorm }
  }

  const conv2dSquaredNorm: Backend['conv2dSquaredNorm'] = (x, gy, convolution) => {
    weightShape(x, gy, convolution)
    const n = x.shape[0] as number
    if (size(x) === 0 || size(gy) === 0) return device.filled('float64', [n], 0)
    const operands = { x: device.dense(x), gy: device.dense(gy) }
    const { tensor, address } = device.result('float64', [n])
    weightGrad({ ...operands, out: address }, convolution, x.shape as Quad, gy.shape as Quad, {
      mode: 1,
      units: n,
      samples: 1,
    })
    return tensor
  }

  const conv2dGramSquaredNorm: Backend['conv2dGramSquaredNorm'] = (x, gy, one, convolution) => {
    weightShape(x, gy, convolution)
    const [n, o, oh, ow] = gy.shape as Quad
    // Where there are no pixels, a bias still has its gradient.
    if (size(gy) === 0) return device.filled('float64', [n], 0)
    const [from, cotangent] = [device.dense(x), device.dense(gy)]
    const { tensor, address } = device.result('float64', [n])
    const { groups, stride, padding, dilation } = convolution
    const [, c, h, w] = x.shape as Quad
    const reach = dilation[1] * (convolution.kernel[1] - 1)
    // Zeros between the rows of pixels let a shift be one run; see the kernel.
    const inRuns = stride[0] === 1 && stride[1] === 1 && padding[1] <= reach
    const [length, positions] = inRuns ? [w + padding[1], w + padding[1]] : [w, ow]
    // As far as a shift reaches beyond a row of the matrix, and a vector, and what is cleared too much behind it.
    const margin = inRuns ? roundUp(Math.max(padding[0] * length, padding[1], reach - padding[1]) + 7, 4) : 0
    const [plane, outputPlane] = [roundUp(h * length, 8), roundUp(oh * positions, 8)]
    const [group, outputs] = [c / groups, o / groups]
    const taps = convolution.kernel[0] * convolution.kernel[1]
    const work = groups * ((plane ** 2 * group + outputPlane ** 2 * outputs) / 2 + (taps * (oh * positions) ** 2) / 4)
    const { perChunk, parts } = chunking(n, work)
    device.launch({
      kernel: kernel.pixelGram,
      arguments: [
        ...[from, cotangent, address, one, 0, 0, 0, 0],
        ...geometry(convolution, groups, x.shape as Quad, gy.shape as Quad),
        ...[length, positions, margin, n, perChunk],
      ],
      parts,
      cost: COST * work * n,
      scratch:
        4 * (outputPlane * (outputPlane + 4) + outputPlane) +
        4 * ((plane + 4) * (plane + margin) + 2 * margin) +
        4 * Math.max(plane * (plane + margin), (outputPlane + 4) * outputPlane) +
        320,
      footprint: {
        split: { samples: n, p: 1, q: perChunk },
        reads: [from, 4 * size(x), cotangent, 4 * size(gy)],
        writes: [address, 8 * n],
      },
    })
    return tensor
  }

  const conv2dWeightedGrad: Backend['conv2dWeightedGrad'] = (x, gy, weight, convolution) => {
    const shape = weightShape(x, gy, convolution)
    const n = x.shape[0] as number
    if (!ShapeEq.equals(weight.shape, [n])) throw shapeError('one weight for each sample', weight.shape, x.shape)
    if (size(x) === 0 || size(gy) === 0) return device.filled('float32', shape, 0)
    const weights = device.roundedToZero(weight)
    const operands = { x: device.dense(x), gy: device.dense(gy) }
    const { tensor, address } = device.result('float32', shape)
    const [input, output, entries] = [x.shape as Quad, gy.shape as Quad, sizeOf(shape)]
    device.arena.temporarily(() => {
      const rows = filteredSumRows(convolution, input, output)
      // The blocks depend on n alone, so that the sum does too.
      const samples = Math.max(8, Math.ceil(n / 16))
      const blocks = rows?.blocks ?? Math.ceil(n / samples)
      const out = blocks === 1 ? address : device.result('float32', [blocks, entries]).address
      const sums = { ...operands, out, weight: weights }
      if (rows !== undefined) filteredSum(device, sums, convolution, { input, output, rows })
      else weightGrad(sums, convolution, input, output, { mode: 2, units: blocks * convolution.groups, samples })
      if (blocks > 1) {
        const units = Math.ceil(entries / 8)
        const perChunk = 256
        device.launch({
          kernel: kernel.reduce,
          arguments: [out, address, 1, blocks, entries, units, perChunk],
          parts: Math.ceil(units / perChunk),
          cost: 0.4 * blocks * entries,
        })
      }
    })
    return tensor
  }

  return {
    conv2d,
    conv2dInputGrad,
    conv2dPerSampleGrad,
    conv2dNormedGrad,
    conv2dSquaredNorm,
    conv2dGramSquaredNorm,
    conv2dWeightedGrad,
  }
}
