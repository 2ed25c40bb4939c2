/**
 * What of gpu.js is used here, and how it is loaded: on demand, since it makes code with `new Function` and is an optional
 * peer of this package. Its own types are not imported, so that those who do without it need not install it.
 */
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { offerDawn } from './dawn.js'

/** Numbers on the device: a texture, a buffer, or a typed array where the device is the CPU. */
export type Resident = object

/** A compiled kernel: one output cell a thread. */
export interface CompiledKernel {
  (...operands: readonly unknown[]): Resident | Promise<Resident>
  readonly setOutput: (output: readonly number[]) => unknown
  readonly kernel: { readonly constructor: { readonly mode: string }; readonly fallbackReason?: string | null }
}

/** An instance of gpu.js in one mode. */
export interface Engine {
  readonly createKernel: (source: string, settings: Readonly<Record<string, unknown>>) => CompiledKernel
  readonly destroy: () => Promise<void>
}

/** The class that gpu.js exports, with its questions about the machine. */
export interface Library {
  new (settings: { readonly mode: string }): Engine
  readonly isHeadlessGLSupported: boolean
  readonly isWebGL2Supported: boolean
  readonly isWebGLSupported: boolean
  readonly isWebAssemblySupported: boolean
  readonly isWebGPUAvailable: () => Promise<boolean>
}

/**
 * Where kernels run. `wgsl` are kernels of our own on WebGPU, without gpu.js. `webgpu`, `webgl2`, `webgl` (browsers) and `headlessgl` (Node with the package gl) are GPUs, as far as
 * their driver is one; `webasm` and `cpu` run the same kernels on the CPU.
 */
export type GpuMode = 'wgsl' | 'webgpu' | 'webgl2' | 'webgl' | 'headlessgl' | 'webasm' | 'cpu'

const isLibrary = (value: unknown): value is Library =>
  typeof value === 'function' && 'isWebGPUAvailable' in value && typeof value.isWebGPUAvailable === 'function'

/** gpu.js, or one sentence about why it is not there. */
export const loadLibrary: TaskEither<string, Library> = async () => {
  try {
    const module = (await import('gpu.js')) as unknown as {
      readonly GPU?: unknown
      readonly default?: { readonly GPU?: unknown }
    }
    const found = [module.GPU, module.default?.GPU, module.default].find(isLibrary)
    return found === undefined ? left('The package gpu.js holds no GPU: version 2.24 is needed.') : right(found)
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error)
    return left(`A GPU needs the package gpu.js (npm install gpu.js), which could not be loaded: ${reason}.`)
  }
}

/** Can this machine run kernels in a mode? */
const supports = async (library: Library, mode: GpuMode): Promise<boolean> => {
  switch (mode) {
    case 'wgsl':
      return false
    case 'webgpu':
      await offerDawn()
      return library.isWebGPUAvailable()
    case 'webgl2':
      return library.isWebGL2Supported
    case 'webgl':
      return library.isWebGLSupported
    case 'headlessgl':
      return library.isHeadlessGLSupported
    case 'webasm':
      return library.isWebAssemblySupported
    case 'cpu':
      return true
  }
}

/** The modes that a GPU may stand behind, the best first. */
export const gpuModes: readonly GpuMode[] = ['wgsl', 'webgpu', 'webgl2', 'headlessgl', 'webgl']

/** Those of them whose numbers can be had at once. */
export const modesThatAnswerAtOnce: readonly GpuMode[] = gpuModes.filter((mode) => mode !== 'webgpu' && mode !== 'wgsl')

/** The first of some modes that the machine has; or one sentence that says there is none. */
export const chooseMode =
  (library: Library, wanted: readonly GpuMode[]): TaskEither<string, GpuMode> =>
  async (): Promise<Either<string, GpuMode>> => {
    for (const mode of wanted) if (await supports(library, mode).catch(() => false)) return right(mode)
    return left(
      wanted.length === 1
        ? `The mode is ${wanted[0]}, which this machine does not have; modes are ${[...gpuModes, 'webasm', 'cpu'].join(', ')}.`
        : `This machine has no GPU that gpu.js can use: ${wanted.includes('webgpu') ? 'neither WebGPU nor WebGL' : 'no WebGL'} is there.`,
    )
  }
