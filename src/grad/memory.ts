/**
 * How many samples fit into memory: what the operations of one gradient make, counted.
 */
import type { Backend } from '../tensor/backend/backend.js'
import type { Storage } from '../tensor/tensor.js'
import { observed } from './operation-cost.js'
import { holdingsOf } from './surplus.js'

/** Bytes that a gradient takes whatever the batch, and those that each sample adds. */
export interface GradientMemory {
  readonly fixed: number
  readonly perSample: number
}

/**
 * The memory of a computation on batches, from those of one and of two samples: bytes of the results of its operations, which an
 * arena holds until they are given up, and of the operands that it copies in.
 *
 *   bytes(n) = fixed + n · perSample
 *
 * @internal
 */
export const memoryOf = (
  backend: Backend,
  {
    run,
    operands,
    isGivenUp,
  }: {
    /** The computation; bytes of operands that it makes elsewhere, and that are copied in too. */
    readonly run: (on: Backend, count: number) => number
    readonly operands: (count: number) => number
    /** Is what is given up for one sample and two given up for more? Else nothing is taken for given up. */
    readonly isGivenUp: boolean
  },
): GradientMemory => {
  const bytes = (count: number): number => {
    let held = 0
    const made = new Set<Storage>()
    /** How many results of a size were given up: the next of that size takes the place of one. */
    const vacant = new Map<number, number>()
    const counting = observed(backend, {
      operation: (_cost, result) => {
        for (const storage of holdingsOf(result).storages) {
          const { byteLength } = storage
          made.add(storage)
          const places = vacant.get(byteLength) ?? 0
          if (places > 0) vacant.set(byteLength, places - 1)
          else held += byteLength
        }
      },
      release: ({ data }) => {
        const { byteLength } = data as Storage
        if (!isGivenUp || !made.delete(data as Storage)) return
        vacant.set(byteLength, (vacant.get(byteLength) ?? 0) + 1)
      },
      within: (_work, body) => body(),
      begin: () => {
        held = 0
        made.clear()
        vacant.clear()
      },
    })
    const copied = run(counting, count)
    return held + copied + operands(count)
  }
  const [one, two] = [bytes(1), bytes(2)]
  return { fixed: Math.max(0, 2 * one - two), perSample: Math.max(1, two - one) }
}

/**
 * The largest batch whose gradient fits into so many bytes, and at least 1: a single sample cannot be split.
 *
 * @example
 * samplesWithin(1000)({ fixed: 100, perSample: 200 }) // => 4
 */
export const samplesWithin =
  (bytes: number) =>
  ({ fixed, perSample }: GradientMemory): number =>
    Math.max(1, Math.floor((bytes - fixed) / perSample))

/** Bytes that so many samples take. */
export const bytesFor =
  (samples: number) =>
  ({ fixed, perSample }: GradientMemory): number =>
    fixed + samples * perSample

/** A batch whose gradients do not fit into the memory of a backend. Thrown, with the sentence of `showExceedsMemory`. */
export interface ExceedsMemory {
  readonly _tag: 'ExceedsMemory'
  readonly samples: number
  /** Bytes that they need, and that there are at most. */
  readonly needed: number
  readonly limit: number
  /** The largest batch that fits; 0 where not even one sample does. */
  readonly fits: number
}

/**
 * What a batch needs of a memory, where that is more than there is.
 *
 * @example
 * exceedsMemory({ samples: 10, limit: 1000 })({ fixed: 100, perSample: 200 })?.fits // => 4
 * @example
 * exceedsMemory({ samples: 4, limit: 1000 })({ fixed: 100, perSample: 200 }) // => undefined
 */
export const exceedsMemory =
  ({ samples, limit }: { readonly samples: number; readonly limit: number }) =>
  (memory: GradientMemory): ExceedsMemory | undefined => {
    const needed = bytesFor(samples)(memory)
    if (needed <= limit) return undefined
    const fits = bytesFor(1)(memory) <= limit ? samplesWithin(limit)(memory) : 0
    return { _tag: 'ExceedsMemory', samples, needed, limit, fits }
  }

/** 3.2 GiB, 512 MiB. */
const showBytes = (bytes: number): string =>
  bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(2)} GiB` : `${(bytes / 2 ** 20).toPrecision(3)} MiB`

/**
 * In a sentence.
 *
 * @example
 * showExceedsMemory({ _tag: 'ExceedsMemory', samples: 4096, needed: 5 * 2 ** 30, limit: 2 ** 32, fits: 3200 })
 * // => 'the gradients of 4096 samples need 5.00 GiB, and there are 4.00 GiB: a physical batch of 3200 would fit'
 */
export const showExceedsMemory = ({ samples, needed, limit, fits }: ExceedsMemory): string => {
  const advice =
    fits === 0
      ? 'not even one sample fits'
      : fits < samples
        ? `a physical batch of ${fits} would fit`
        : 'a smaller physical batch would fit'
  return `the gradients of ${samples} samples need ${showBytes(needed)}, and there are ${showBytes(limit)}: ${advice}`
}

/** The error that a batch throws which does not fit. */
export const exceedsMemoryError = (exceeds: ExceedsMemory): RangeError & { readonly exceeds: ExceedsMemory } =>
  Object.assign(new RangeError(showExceedsMemory(exceeds)), { exceeds })
