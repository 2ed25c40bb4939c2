/**
 * What an operation of a backend costs: floating-point operations from the shapes of its operands and its result, and the bytes
 * that go through memory for it. A multiply-add counts as two.
 */
import type { Backend, LayerWork } from '../tensor/backend/backend.js'
import { type Shape, sizeOf } from '../tensor/shape.js'
import { isTensor, size, storageOf, type Tensor } from '../tensor/tensor.js'
import type { Convolution2d, Window2d } from '../tensor/window.js'
import { gramMultiplyAdds } from './cost.js'

/** Operations of a backend by name. */
export type Operation = {
  [K in keyof Required<Backend>]: Backend[K] extends string ? never : K
}[keyof Backend]

const shapeOf = (value: unknown): Shape => (isTensor(value) ? value.shape : [])
const windowSize = (window: unknown): number => sizeOf((window as Window2d).kernel)

/** FLOPs of a convolution of x [n, c, h, w] to [n, o, oh, ow]: every output pixel is a product of a patch. */
const convolution = (window: Convolution2d, input: Shape, output: Shape): number =>
  (2 * sizeOf(output) * (input[1] as number) * sizeOf(window.kernel)) / window.groups

/** What a function of each number of the result adds to each of them. */
const ofThen = (then: unknown): number => (then === undefined ? 0 : 1)

/** Those that are not as many as the result has numbers. */
const flopsOf: Partial<Record<Operation, (args: readonly unknown[], result: unknown) => number>> = {
  matmul: ([a], result) => 2 * size(result as Tensor) * (shapeOf(a).at(-1) as number),
  affine: ([x, , bias, then], y) =>
    size(y as Tensor) * (2 * (shapeOf(x)[1] as number) + (bias === undefined ? 0 : 1) + ofThen(then)),
  sum: ([x]) => size(x as Tensor),
  rowDots: ([a]) => 2 * size(a as Tensor),
  rowNorms: ([xs]) => 2 * numbersOf(xs),
  weightedRowSum: ([, x]) => 2 * size(x as Tensor),
  weightedRowSums: ([, xs]) => 2 * numbersOf(xs),
  pad2d: () => 0,
  // Mean, centred squares, and scaling: three passes of two; the adjoint has two more sums.
  groupNorm: ([x, , , then]) => (6 + ofThen(then)) * size(x as Tensor),
  groupNormGrad: ([x, , , , through]) => (10 + ofThen(through)) * size(x as Tensor),
  zip: ([, , , then], y) => (1 + ofThen(then)) * size(y as Tensor),
  conv2d: ([x, , bias, window, then], y) =>
    convolution(window as Convolution2d, shapeOf(x), shapeOf(y)) +
    ((bias === undefined ? 0 : 1) + ofThen(then)) * size(y as Tensor),
  conv2dInputGrad: ([gy, , window, input]) => convolution(window as Convolution2d, input as Shape, shapeOf(gy)),
  conv2dPerSampleGrad: ([x, gy, window]) => convolution(window as Convolution2d, shapeOf(x), shapeOf(gy)),
  conv2dNormedGrad: ([x, gy, window], found) =>
    convolution(window as Convolution2d, shapeOf(x), shapeOf(gy)) + 2 * size((found as { readonly grad: Tensor }).grad),
  conv2dSquaredNorm: ([x, gy, window]) => {
    const { groups, kernel } = window as Convolution2d
    const gradient = (shapeOf(gy)[1] as number) * ((shapeOf(x)[1] as number) / groups) * sizeOf(kernel)
    return convolution(window as Convolution2d, shapeOf(x), shapeOf(gy)) + 2 * (shapeOf(x)[0] as number) * gradient
  },
  conv2dGramSquaredNorm: ([x, gy, , window]) =>
    2 * (shapeOf(x)[0] as number) * gramMultiplyAdds(window as Convolution2d, shapeOf(x), shapeOf(gy)),
  conv2dWeightedGrad: ([x, gy, , window]) =>
    convolution(window as Convolution2d, shapeOf(x), shapeOf(gy)) + size(gy as Tensor),
  maxPool2d: ([, window], found) => size((found as { readonly y: Tensor }).y) * windowSize(window),
  maxPool2dGrad: ([gy]) => size(gy as Tensor),
  avgPool2d: ([, window], y) => size(y as Tensor) * windowSize(window),
  avgPool2dGrad: ([gy, window]) => size(gy as Tensor) * windowSize(window),
}

/** Bytes of the tensors in arguments, results or records. */
export const bytesOf = (value: unknown): number =>
  isTensor(value)
    ? size(value) * storageOf(value).BYTES_PER_ELEMENT
    : typeof value === 'object' && value !== null
      ? Object.values(value).reduce((sum: number, part) => sum + bytesOf(part), 0)
      : 0

const numbersOf = (value: unknown): number =>
  isTensor(value)
    ? size(value)
    : typeof value === 'object' && value !== null
      ? Object.values(value).reduce((sum: number, part) => sum + numbersOf(part), 0)
      : 0

/** What operations cost. */
export interface Cost {
  readonly flops: number
  /** Read and written. */
  readonly moved: number
  /** Of results, which a pass holds until they are given up, or its scope ends. */
  readonly held: number
}

export const noCost: Cost = { flops: 0, moved: 0, held: 0 }

export const addCosts = (a: Cost, b: Cost): Cost => ({
  flops: a.flops + b.flops,
  moved: a.moved + b.moved,
  held: a.held + b.held,
})

/**
 * The cost of one operation with these arguments and this result. An operation without a formula of its own is as many FLOPs as
 * its result has numbers.
 */
export const costOf = (operation: string, args: readonly unknown[], result: unknown): Cost => {
  const held = bytesOf(result)
  const own = flopsOf[operation as Operation]
  return { flops: own === undefined ? numbersOf(result) : own(args, result), moved: bytesOf(args) + held, held }
}

/** A backend that tells of every operation once it is done, and of every layer that computes. */
export const observed = (
  backend: Backend,
  tell: {
    readonly operation: (cost: Cost, result: unknown) => void
    /** Told of tensors that are given up. */
    readonly release?: (t: Tensor) => void
    readonly within: <A>(work: LayerWork, body: () => A) => A
    /** An arena that has to grow runs the outermost body again: only what comes after the last beginning counts. */
    readonly begin: () => void
  },
): Backend => {
  let depth = 0
  const scope = <A>(body: () => A): A =>
    backend.scope(() => {
      if (depth === 0) tell.begin()
      depth++
      try {
        return body()
      } finally {
        depth--
      }
    })
  const operations = Object.fromEntries(
    // What is recorded would be done again without telling.
    Object.entries({ ...backend, record: undefined }).map(([name, member]) => [
      name,
      typeof member !== 'function'
        ? member
        : (...args: readonly unknown[]) => {
            const result = (member as (...args: readonly unknown[]) => unknown)(...args)
            tell.operation(costOf(name, args, result), result)
            return result
          },
    ]),
  ) as unknown as Backend
  const release = (t: Tensor): void => {
    tell.release?.(t)
    backend.release?.(t)
  }
  return { ...operations, ...(backend.release === undefined ? {} : { release }), scope, within: tell.within }
}
