/**
 * The backend that a command computes on, by its name.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { Backend } from '../tensor/backend/backend.js'
import { gpu, gpuOrWasm } from '../tensor/backend/gpu/index.js'
import { wasm } from '../tensor/backend/wasm/index.js'
import { type Refusal, refusal } from './screen.js'

/** `gpu` is the GPU of the machine, where it has one; the last three are kernels of gpu.js in one of its modes. */
export const backendNames = ['wasm', 'gpu', 'headlessgl', 'webasm', 'cpu'] as const
export type BackendName = (typeof backendNames)[number]

/** A backend, with what the user should know of it. */
export interface ChosenBackend {
  readonly backend: Backend
  readonly said?: string
}

/** Opens the backend of this name. A machine without a GPU says so, and computes by WebAssembly. */
export const openBackend = async (
  name: BackendName,
  options: { readonly threads?: number },
): Promise<E.Either<Refusal, ChosenBackend>> => {
  if (name === 'wasm') return E.right({ backend: wasm(options) })
  if (name === 'gpu') {
    const { backend, why } = await gpuOrWasm()
    return E.right({ backend, said: why ?? `Computing on ${backend.name}.` })
  }
  const made = await gpu({ mode: name })()
  return E.isLeft(made)
    ? E.left(refusal(`--backend ${name}: ${made.left}`))
    : E.right({ backend: made.right, said: `Computing on ${made.right.name}.` })
}
