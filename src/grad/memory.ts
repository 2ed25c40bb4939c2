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

/** A result of so many bytes, or one that was given up, by its place among all results. */
type Act = { readonly made: number } | { readonly givenUp: number }
type Trace = readonly Act[]

interface Traced {
  /** What was made and given up, in its order. */
  readonly trace: Trace
  /** Bytes of operands that the computation makes elsewhere. */
  readonly copied: number
}

/** What a computation makes and gives up. */
const traceOf = (backend: Backend, run: (on: Backend) => number): Traced => {
  let trace: Act[] = []
  let results = 0
  const places = new Map<Storage, number>()
  const tracing = observed(backend, {
    operation: (_cost, result) => {
      for (const storage of holdingsOf(result).storages) {
        places.set(storage, results++)
        trace.push({ made: storage.byteLength })
      }
    },
    release: ({ data }) => {
      const place = places.get(data as Storage)
      if (place === undefined) return
      places.delete(data as Storage)
      trace.push({ givenUp: place })
    },
    within: (_work, body) => body(),
    begin: () => {
      trace = []
      results = 0
      places.clear()
    },
  })
  return { copied: run(tracing), trace }
}

/** Do both make and give up as many results, in one order? */
const isAlike = (one: Trace, other: Trace): boolean =>
  one.length === other.length &&
  one.every((act, i) => {
    const there = other[i] as Act
    return 'made' in act ? 'made' in there : 'givenUp' in there && act.givenUp === there.givenUp
  })

const bytesMade = (trace: Trace): number => trace.reduce((sum, act) => sum + ('made' in act ? act.made : 0), 0)

/**
 * Bytes that results take up in either trace where a result takes the place of one that was given up, of its size in both: sizes that are
 * the same for one sample by chance, or for two, are not.
 */
const bytesHeld = (one: Trace, two: Trace): readonly [one: number, two: number] => {
  const held: [number, number] = [0, 0]
  const sizes: string[] = []
  const vacant = new Map<string, number>()
  one.forEach((act, i) => {
    if ('givenUp' in act) {
      const size = sizes[act.givenUp] as string
      vacant.set(size, (vacant.get(size) ?? 0) + 1)
      return
    }
    const [a, b] = [act.made, (two[i] as typeof act).made]
    const size = `${a} ${b}`
    sizes.push(size)
    const places = vacant.get(size) ?? 0
    if (places > 0) vacant.set(size, places - 1)
    else {
      held[0] += a
      held[1] += b
    }
  })
  return held
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
  const traced = (count: number): Traced => traceOf(backend, (on) => run(on, count) + operands(count))
  const [first, second] = [traced(1), traced(2)]
  const held =
    isGivenUp && isAlike(first.trace, second.trace)
      ? bytesHeld(first.trace, second.trace)
      : ([bytesMade(first.trace), bytesMade(second.trace)] as const)
  const [one, two] = [held[0] + first.copied, held[1] + second.copied]
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
