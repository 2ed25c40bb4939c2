/**
 * The Backend algebra as kernels of a device.
 */
import type { Task } from 'fp-ts/lib/Task.js'
import type { Backend } from '../backend.js'
import { scopedOperations } from '../scoped.js'
import { separately } from '../separately.js'
import { convolutions } from './convolution.js'
import type { Device } from './device.js'
import { elementwise } from './elementwise.js'
import { groupNormalisations } from './group-normalisation.js'
import type { GpuMode } from './library.js'
import { normalisations } from './normalisation.js'
import { pools } from './pooling.js'
import { type PrivateSums, privateSums } from './private-sum.js'
import { products } from './products.js'
import { abilitiesOf } from './self-test.js'
import { sessionOn } from './session.js'

/** A backend on a GPU, or on what stands for one. */
export interface GpuBackend extends Backend {
  readonly mode: GpuMode
  /** Numbers that a tensor may have. */
  readonly longest: number
  /**
   * The body as one asynchronous unit. What it computes stays on the device until somebody looks at it; what it returns is
   * copied out. The body must be pure: where the device does not answer at once, it is run again for each number that is
   * looked at on the way, without computing anything twice. Tasks of one backend take turns.
   */
  readonly task: <A>(body: () => A) => Task<A>
  /** Clipping, summing and noising without a read: for a step that is one task. */
  readonly privateSums: PrivateSums
  /** Lets the device go. */
  readonly close: () => void
}

/** The algebra on a device; `kept` are the numbers that tasks may leave there as scopes end. @internal */
export const backendOn = async (device: Device, options: { readonly kept?: number } = {}): Promise<GpuBackend> => {
  const session = sessionOn(device, options)
  const { keepsPairs, clips, draws } = await abilitiesOf(device)
  const ofElements = elementwise(session)
  const ofProducts = products(session, { keepsPairs })
  const composed = normalisations(ofElements)
  const single = {
    ...ofElements,
    ...ofProducts,
    ...(session.hasGroups ? groupNormalisations(session, composed) : composed),
    ...convolutions(session, { ...ofElements, ...ofProducts }),
    ...pools(session),
  }
  const operations = { ...single, ...separately(single) }
  return {
    name: `gpu (${device.mode})`,
    dtype: 'float32',
    mode: device.mode,
    longest: device.longest,
    scope: session.scope,
    task: session.task,
    privateSums: privateSums(session, { canClip: keepsPairs && clips, canDraw: draws }),
    close: device.close,
    ...scopedOperations(session, operations),
  }
}
