/**
 * Kernels on one device: what they are made of, how numbers get there, and how they come back.
 */
import type { BinaryOp, UnaryOp } from '../backend.js'
import type { CompiledKernel, Engine, GpuMode, Library, Resident } from './library.js'
import { deviceFunctions } from './sources/arithmetic.js'
import { elementwiseSources } from './sources/elementwise.js'
import { type PlaneKernel, planeSources } from './sources/planes.js'
import { type PrivateSumKernel, privateSumSources } from './sources/private-sum.js'
import { type SumKernel, sumSources } from './sources/sums.js'

const sources = {
  upload: 'function (a) { return a[this.thread.x]; }',
  ...elementwiseSources,
  ...sumSources,
  ...planeSources,
  ...privateSumSources,
} as const

export type KernelName = 'upload' | 'gather' | UnaryOp | BinaryOp | SumKernel | PlaneKernel | PrivateSumKernel

/** Kernels of devices whose threads work in groups, over as many operands as there are. */
export type GroupKernel =
  | 'squaredNorms'
  | 'clippedSums'
  | 'joined'
  | 'noised'
  | 'groupStatistics'
  | 'groupNormalised'
  | 'groupMeans'
  | 'groupNormGrad'
  | 'channelSums'

/** Numbers on the device, now or, where it answers asynchronously, soon. */
export type Handle = Resident | Promise<Resident>

export interface Launch {
  readonly kernel: KernelName | GroupKernel
  readonly operands: readonly Handle[]
  /** Whole numbers below 2²⁴, or what float32 holds. */
  readonly parameters: readonly number[]
  /** Cells of the result, at least 1. */
  readonly length: number
}

export interface Device {
  readonly mode: GpuMode
  /** Can results be had at once? */
  readonly answersAtOnce: boolean
  /** Numbers that a tensor may have. */
  readonly longest: number
  /** Terms that one cell of `partSums` or `partDots` adds up: more, and rounding shows or threads wait; fewer, and there are too many launches. */
  readonly part: number
  /** Are there kernels of groups of threads? */
  readonly hasGroups: boolean
  readonly upload: (numbers: Float32Array) => Handle
  readonly launch: (job: Launch) => Handle
  readonly read: (handle: Handle) => Float32Array | Promise<Float32Array>
  readonly release: (handle: Handle) => void
  readonly close: () => void
}

/** Places are floats in a kernel, and whole numbers are exact up to here. */
const largest = 2 ** 24

const tooLong = (length: number): RangeError =>
  new RangeError(
    `a tensor of ${length} numbers was asked for, and a GPU kernel can tell ${largest} places apart: a smaller physical batch would fit`,
  )

/**
 * The tactic asks for highp whatever the size: else gpu.js gives small kernels lowp or mediump, which is 16 bits on some GPUs,
 * and changes kernels as sizes grow. Loops end by their own conditions; WebGL 1 wants to know a number that none exceeds.
 */
const settings = {
  output: [1],
  dynamicOutput: true,
  dynamicArguments: true,
  pipeline: true,
  immutable: true,
  precision: 'single',
  tactic: 'precision',
  fixIntegerDivisionAccuracy: false,
  loopMaxIterations: largest,
  functions: deviceFunctions,
} as const

const toArray = (resident: Resident): Float32Array | Promise<Float32Array> =>
  resident instanceof Float32Array
    ? resident
    : (resident as { readonly toArray: () => Float32Array | Promise<Float32Array> }).toArray()

const discard = (resident: Resident): void => {
  if (!(resident instanceof Float32Array)) (resident as { readonly delete: () => void }).delete()
}

const isOwn = (name: string): name is KernelName => Object.hasOwn(sources, name)

/** A device of gpu.js in one mode. Kernels are compiled when they are first used. */
export const deviceOf = (library: Library, mode: GpuMode): Device => {
  const engine: Engine = new library({ mode })
  const answersAtOnce = mode !== 'webgpu'
  const onCpu = mode === 'cpu' || mode === 'webasm'
  const compiled = new Map<KernelName, CompiledKernel>()

  const kernelOf = (name: Launch['kernel'], length: number): CompiledKernel => {
    if (!isOwn(name)) throw new Error(`gpu.js has no kernel ${name}: its threads do not work in groups`)
    if (length > largest && mode !== 'cpu') throw tooLong(length)
    const kernel = compiled.get(name) ?? engine.createKernel(sources[name], settings)
    compiled.set(name, kernel)
    kernel.setOutput([length])
    return kernel
  }

  /** Launches in the order in which they were asked for: a kernel has one size at a time. */
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <A>(work: () => Promise<A>): Promise<A> => {
    const result = last.then(work)
    last = result.catch(() => undefined)
    return result
  }

  const start = (name: Launch['kernel'], operands: readonly unknown[], length: number): Handle =>
    answersAtOnce
      ? kernelOf(name, length)(...operands)
      : inTurn(async () => {
          const ready = await Promise.all(operands)
          return kernelOf(name, length)(...ready)
        })

  return {
    mode,
    answersAtOnce,
    longest: largest,
    part: 256,
    hasGroups: false,
    upload: (numbers) => (onCpu ? numbers : start('upload', [numbers], numbers.length)),
    launch: ({ kernel, operands, parameters, length }) =>
      start(kernel, [...operands, new Float32Array(parameters)], length),
    read: (handle) => (answersAtOnce ? toArray(handle) : inTurn(async () => toArray(await handle))),
    release: (handle) => {
      if (answersAtOnce) discard(handle)
      else void inTurn(async () => discard(await handle)).catch(() => undefined)
    },
    close: () => {
      void engine.destroy()
    },
  }
}
