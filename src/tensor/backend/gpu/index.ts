/**
 * The GPU backend: the algebra as kernels in WGSL, or of gpu.js, an optional peer that is loaded when a mode of it is asked for.
 *
 * @module
 */
import { type Either, isLeft, isRight, left, right } from 'fp-ts/lib/Either.js'
import type { Task } from 'fp-ts/lib/Task.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { Backend } from '../backend.js'
import { defaultBackend } from '../default.js'
import { backendOn, type GpuBackend } from './backend.js'
import { deviceOf } from './device.js'
import { chooseMode, type GpuMode, gpuModes, loadLibrary, modesThatAnswerAtOnce } from './library.js'
import { openWgsl } from './wgsl/open.js'

export type { GpuBackend } from './backend.js'
export type { GpuMode } from './library.js'
export type { DeviceStream, DeviceWeights, PrivateSums } from './private-sum.js'

const firstLine = (error: unknown): string =>
  error instanceof Error ? (error.message.trim().split('\n')[0] as string) : String(error)

/** The WGSL kernels; among other modes, only where they gave every known answer. */
const inWgsl = async (isOneOfMany: boolean): Promise<Either<string, GpuBackend>> => {
  const device = await openWgsl()()
  if (isLeft(device)) return device
  try {
    const backend = await backendOn(device.right)
    const { canClip, canDraw } = backend.privateSums
    if (!isOneOfMany || (canClip && canDraw)) return right(backend)
    backend.close()
    return left('The WGSL kernels do not give the known answers on this machine.')
  } catch (error) {
    device.right.close()
    return left(`The mode wgsl does not work on this machine: ${firstLine(error)}.`)
  }
}

const opened = async (modes: readonly GpuMode[]): Promise<Either<string, GpuBackend>> => {
  const others = modes.filter((mode) => mode !== 'wgsl')
  if (others.length < modes.length) {
    const made = await inWgsl(others.length > 0)
    if (isRight(made) || others.length === 0) return made
  }
  const library = await loadLibrary()
  if (isLeft(library)) return library
  const chosen = await chooseMode(library.right, others)()
  if (isLeft(chosen)) return chosen
  try {
    return right(await backendOn(deviceOf(library.right, chosen.right)))
  } catch (error) {
    return left(`The mode ${chosen.right} of gpu.js does not work on this machine: ${firstLine(error)}.`)
  }
}

/** The settings of the GPU backend. */
export interface GpuOptions {
  /** Default: the best that a GPU may stand behind. `webasm` and `cpu` run the same kernels without one. */
  readonly mode?: GpuMode
}

/**
 * A float32 backend whose operations are kernels of a GPU.
 *
 * Cost       in `wgsl` tiles in registers, with gpu.js one output cell a thread; within a scope tensors stay on the device until somebody looks at them
 * Guarantee  agrees with the reference to 1e-5 of the sum of the terms; squared norms in two floats (48 bits)
 * Errors     a sentence where the mode needs gpu.js and that is not installed, or the machine has no such mode
 *
 * @example
 * const made = await gpu({ mode: 'cpu' })()
 * made._tag // => 'Right'
 */
export const gpu =
  ({ mode }: GpuOptions = {}): TaskEither<string, GpuBackend> =>
  () =>
    opened(mode === undefined ? gpuModes : [mode])

/** A backend, and where it is not the one that was hoped for, why. */
export interface Choice {
  readonly backend: Backend
  /** One sentence about why there is no GPU; undefined where there is one. */
  readonly why?: string
}

/**
 * The GPU where the machine has one, else the wasm backend with a sentence that says so. For programs that compute at once:
 * WebGPU, which answers later, is not among the modes.
 */
export const gpuOrWasm: Task<Choice> = async () => {
  const made = await opened(modesThatAnswerAtOnce)
  return isLeft(made)
    ? { backend: defaultBackend(), why: `${made.left} Computing on the CPU, by WebAssembly.` }
    : { backend: made.right }
}
