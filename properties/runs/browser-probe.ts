/**
 * What a browser is asked about the wasm backend: bundled by a test, and run on a page and in a worker.
 */
import { tensor, toArray, wasm } from '../../src/tensor/index.js'

/** A product large enough to wake every worker, by so many threads; twice, so that they have had time to come. */
const productBy = async (threads: number): Promise<{ readonly name: string; readonly values: readonly number[] }> => {
  const backend = wasm({ threads })
  const extent = 257
  const values = Float32Array.from({ length: extent * extent }, (_, i) => Math.fround(Math.sin(i)))
  const x = tensor(values, [extent, extent])
  const first = toArray(backend.matmul(x, x))
  await new Promise((resolve) => setTimeout(resolve, 150))
  const second = toArray(backend.matmul(x, x))
  backend.close()
  const same = first.every((value, i) => Object.is(value, second[i]))
  return { name: `${backend.name}${same ? '' : ', and two results'}`, values: second }
}

export interface Probe {
  readonly names: readonly string[]
  /** Have results with one thread and with several the same bits? */
  readonly same: boolean
  readonly isolated: boolean
  /** A few of the values. */
  readonly values: readonly number[]
}

export const probe = async (): Promise<Probe> => {
  const [one, several] = [await productBy(1), await productBy(3)]
  return {
    names: [one.name, several.name],
    same: one.values.every((value, i) => Object.is(value, several.values[i])),
    isolated: (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true,
    values: several.values.slice(0, 100),
  }
}

const scope = globalThis as unknown as {
  readonly document?: unknown
  readonly postMessage: (message: unknown) => void
  probe?: () => Promise<Probe>
}
if (scope.document === undefined) probe().then((found) => scope.postMessage(found))
else scope.probe = probe
