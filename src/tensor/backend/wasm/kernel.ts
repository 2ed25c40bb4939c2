/**
 * The kernels by number, as `kernels/run.ts` and `kernels/elementwise.ts` number them.
 */
import type { BinaryOp, UnaryOp } from '../backend.js'

export const kernel = {
  map: 0,
  zip: 1,
  gather: 2,
  pad: 3,
  gemm: 4,
  reduce: 5,
  rowDots: 6,
  weightedRowSums: 7,
  packWeights: 8,
  convolve: 9,
  inputGrad: 10,
  weightGrad: 11,
  maxPool: 12,
  maxPoolGrad: 13,
  averagePool: 14,
  averagePoolGrad: 15,
  pixelGram: 16,
  groupNorm: 17,
  groupNormGrad: 18,
  winogradWeights: 19,
  winograd: 20,
  winogradGrad: 21,
  combine: 22,
  noise: 23,
  finite: 24,
  formula: 25,
  runSums: 26,
  rowNorms: 27,
} as const

export const unaryOps: Readonly<Record<UnaryOp, number>> = {
  neg: 0,
  abs: 1,
  exp: 2,
  log: 3,
  sqrt: 4,
  square: 5,
  reciprocal: 6,
  relu: 7,
  tanh: 8,
  sigmoid: 9,
  gelu: 10,
}

/** What a kernel is given for what comes after it: 0 for nothing. */
export const thenOf = (op: UnaryOp | undefined): number => (op === undefined ? 0 : 1 + unaryOps[op])

export const binaryOps: Readonly<Record<BinaryOp, number>> = {
  add: 0,
  sub: 1,
  mul: 2,
  div: 3,
  max: 4,
  min: 5,
  reluGrad: 6,
  tanhGrad: 7,
  sigmoidGrad: 8,
  geluGrad: 10,
}

/** The product of `scaleRows`, in the numbering of the binary operations. */
export const scaling = 9
