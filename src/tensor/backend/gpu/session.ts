/**
 * What lives on a device for the time of a scope, and tensors whose numbers are fetched when somebody looks at them.
 *
 * A device that answers at once is asked at once. Where answers take their time (WebGPU), a body that looks at a number is
 * left, the number is fetched, and the body is run again: it is pure, so it asks for the same things, and what was computed
 * before is not computed again.
 */
import type { Task } from 'fp-ts/lib/Task.js'
import { type Shape, sizeOf } from '../../shape.js'
import { allocate, copyInto, type Storage, size, type Tensor, unsafeTensor } from '../../tensor.js'
import { mapTensors } from '../within.js'
import type { Device, Handle, Launch } from './device.js'

/** Numbers on the device. */
export interface Slot {
  readonly id: number
  readonly handle: Handle
  readonly length: number
  readonly state: { value: Float32Array | undefined; isReleased: boolean }
}

/** How the numbers of a slot become those of a tensor. */
export interface Reading<D extends 'float32' | 'float64' | 'int32'> {
  readonly dtype: D
  readonly decode: (numbers: Float32Array) => Storage
  /** Are the numbers on the device those of the tensor? */
  readonly isDirect: boolean
}

export interface Session {
  /** Terms that one cell of a sum in parts adds up. */
  readonly part: number
  /** Has the device kernels of groups of threads? */
  readonly hasGroups: boolean
  readonly launch: (
    kernel: Launch['kernel'],
    operands: readonly Slot[],
    parameters: readonly number[],
    length: number,
  ) => Slot
  /** Numbers of the host on the device, copied there once in a scope for each source, start and length. */
  readonly uploadFrom: (source: Storage, start: number, length: number, numbers: () => Float32Array) => Slot
  /** The numbers of a slot, here. */
  readonly read: (slot: Slot) => Float32Array
  /** A tensor that is read when somebody looks at it. */
  readonly tensorOf: (slot: Slot, shape: Shape, reading?: Reading<'float32' | 'float64' | 'int32'>) => Tensor
  /** The slot behind the storage of a tensor, if its numbers are there as they are. */
  readonly slotOf: (data: Storage) => Slot | undefined
  readonly isOpen: () => boolean
  readonly scope: <A>(body: () => A) => A
  readonly task: <A>(body: () => A) => Task<A>
}

/** The numbers themselves. */
export const asFloat32: Reading<'float32'> = { dtype: 'float32', decode: (numbers) => numbers, isDirect: true }
export const asInt32: Reading<'int32'> = {
  dtype: 'int32',
  decode: (numbers) => Int32Array.from(numbers),
  isDirect: true,
}

const empty = { float32: new Float32Array(0), float64: new Float64Array(0), int32: new Int32Array(0) } as const

interface Deferred {
  readonly slot: Slot
  readonly isDirect: boolean
  readonly force: () => Storage
}

/** Thrown through a body that looks at a number which is still on its way. */
interface Awaited {
  readonly name: 'Awaited'
  readonly slot: Slot
}
const isAwaited = (error: unknown): error is Awaited => error instanceof Error && error.name === 'Awaited'

/** In a task on a device that does not answer at once: what earlier runs of the body asked for. */
interface Known {
  readonly launched: Map<string, Slot>
  /** By their length. */
  readonly uploaded: Map<number, { readonly numbers: Float32Array; readonly slot: Slot }[]>
  /** Is its body run again? Then nothing is given back before its end: what is looked at would have to be computed for ever. */
  readonly state: { isRunAgain: boolean }
}

const sameNumbers = (a: Float32Array, b: Float32Array): boolean => {
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false
  return true
}

/** A body that asks for other things each time it is run would never end, and one that looks at so many numbers is slow. */
const MOST_RUNS = 2000

/** Numbers that a task may leave on the device when a scope within it ends: 1 GiB. */
const KEPT = 2 ** 28

export const sessionOn = (device: Device, { kept: most = KEPT }: { readonly kept?: number } = {}): Session => {
  const deferred = new WeakMap<object, Deferred>()
  let slots: Slot[] = []
  /** What was copied from where, in this scope. */
  let uploads = new Map<Storage, (readonly [start: number, length: number, slot: Slot])[]>()
  let depth = 0
  let known: Known | undefined
  let count = 0
  /** Numbers that are there. */
  let live = 0

  const keep = (length: number, handle: Handle): Slot => {
    const slot: Slot = { id: count++, handle, length, state: { value: undefined, isReleased: false } }
    slots.push(slot)
    live += length
    return slot
  }

  const launch: Session['launch'] = (kernel, operands, parameters, length) => {
    const start = (): Slot =>
      keep(length, device.launch({ kernel, operands: operands.map(({ handle }) => handle), parameters, length }))
    if (known === undefined) return start()
    const what = `${kernel} ${operands.map(({ id }) => id)} ${parameters} ${length}`
    const before = known.launched.get(what)
    const slot = before === undefined || before.state.isReleased ? start() : before
    known.launched.set(what, slot)
    return slot
  }

  const upload = (numbers: Float32Array): Slot => {
    const before = known?.uploaded.get(numbers.length) ?? []
    const found = before.find((one) => !one.slot.state.isReleased && sameNumbers(one.numbers, numbers))
    if (found !== undefined) return found.slot
    const slot = keep(numbers.length, device.upload(numbers))
    known?.uploaded.set(numbers.length, [...before, { numbers, slot }])
    return slot
  }

  const release = (slot: Slot): void => {
    if (slot.state.isReleased) return
    slot.state.isReleased = true
    live -= slot.length
    slot.state.value = undefined
    device.release(slot.handle)
  }

  const read = (slot: Slot): Float32Array => {
    if (slot.state.isReleased)
      throw new Error('a tensor was used after the end of the scope that made it: return it from the scope')
    if (slot.state.value !== undefined) return slot.state.value
    if (device.answersAtOnce) {
      slot.state.value = device.read(slot.handle) as Float32Array
      return slot.state.value
    }
    if (known === undefined)
      throw new Error(`a device of mode ${device.mode} does not answer at once: compute within its task`)
    throw Object.assign(new Error('a body looked at a number that is on its way, and is run again'), {
      name: 'Awaited' as const,
      slot,
    })
  }

  const tensorOf: Session['tensorOf'] = (slot, shape, { dtype, decode, isDirect } = asFloat32) => {
    let real: Storage | undefined
    const force = (): Storage => {
      real ??= decode(read(slot))
      return real
    }
    const data = new Proxy(empty[dtype], {
      get: (_, property) => {
        if (property === 'length') return isDirect ? slot.length : sizeOf(shape)
        const storage = force()
        const value: unknown = Reflect.get(storage, property, storage)
        return typeof value === 'function' ? value.bind(storage) : value
      },
      has: (_, property) => Reflect.has(force(), property),
    }) as Storage
    deferred.set(data, { slot, isDirect, force })
    return { ...unsafeTensor(empty[dtype], shape), data }
  }

  const copyOut = (t: Tensor): Tensor => {
    const own = deferred.get(t.data)
    if (own === undefined) return t
    const out = allocate(t.dtype, size(t))
    copyInto(out, 0, { ...t, data: own.force() })
    return unsafeTensor(out, t.shape)
  }

  /** Gives back what was made since, but for what a result still needs. */
  const shrink = (mark: number, kept: ReadonlySet<Slot>): void => {
    for (const slot of slots.slice(mark)) if (!kept.has(slot)) release(slot)
    slots = [...slots.slice(0, mark), ...slots.slice(mark).filter((slot) => kept.has(slot))]
    for (const [source, copies] of uploads) {
      const rest = copies.filter(([, , slot]) => !slot.state.isReleased)
      if (rest.length === 0) uploads.delete(source)
      else uploads.set(source, rest)
    }
  }

  const nested = <A>(body: () => A): A => {
    const mark = slots.length
    const kept = new Set<Slot>()
    let isComplete = false
    // What is made of the numbers of other slots is read while these are there.
    depth++
    try {
      const result = body()
      isComplete = true
      mapTensors(result, (t) => {
        const own = deferred.get(t.data)
        if (own?.isDirect === true) kept.add(own.slot)
        else if (known === undefined) own?.force()
        else if (own !== undefined) isComplete = false
        return t
      })
      return result
    } finally {
      depth--
      if (known === undefined || (live > most && isComplete && !known.state.isRunAgain)) shrink(mark, kept)
    }
  }

  const ran = <A>(body: () => A): A => {
    depth = 1
    try {
      return body()
    } finally {
      depth = 0
      uploads = new Map()
    }
  }

  const outermost = <A>(body: () => A): A => {
    const mark = slots.length
    try {
      return mapTensors(ran(body), copyOut) as A
    } finally {
      if (known === undefined) shrink(mark, new Set())
    }
  }

  const fetched = async (slot: Slot): Promise<void> => {
    slot.state.value = await device.read(slot.handle)
  }

  /** What a result is made of and is not here yet. */
  const missing = (result: unknown): readonly Slot[] => {
    const found = new Set<Slot>()
    mapTensors(result, (t) => {
      const own = deferred.get(t.data)
      if (own !== undefined && own.slot.state.value === undefined) found.add(own.slot)
      return t
    })
    return [...found]
  }

  /** Tasks take turns: a device has one session. */
  let last: Promise<unknown> = Promise.resolve()
  const replayed = async <A>(body: () => A): Promise<A> => {
    const record: Known = { launched: new Map(), uploaded: new Map(), state: { isRunAgain: false } }
    const mark = slots.length
    let result: { readonly value: A } | undefined
    try {
      for (let run = 0; run < MOST_RUNS; run++) {
        // What a task asked for is kept until its end, whatever it waits for.
        known = record
        try {
          result ??= { value: ran(body) }
          return mapTensors(result.value, copyOut) as A
        } catch (error) {
          if (!isAwaited(error)) throw error
          known = undefined
          if (result === undefined) record.state.isRunAgain = true
          await Promise.all([...new Set([error.slot, ...missing(result?.value)])].map(fetched))
        }
      }
      throw new Error(
        `the body of a task looked ${MOST_RUNS} times at numbers that were on their way: it must be pure, and look at fewer`,
      )
    } finally {
      known = undefined
      shrink(mark, new Set())
    }
  }
  const task =
    <A>(body: () => A): Task<A> =>
    () => {
      const result = last.then(async () => (device.answersAtOnce ? outermost(body) : replayed(body)))
      last = result.catch(() => undefined)
      return result
    }

  return {
    part: device.part,
    hasGroups: device.hasGroups,
    launch,
    uploadFrom: (source, start, length, numbers) => {
      const copies = uploads.get(source) ?? []
      const found = copies.find(([from, count]) => from === start && count === length)
      if (found !== undefined) return found[2]
      const slot = upload(numbers())
      uploads.set(source, [...copies, [start, length, slot]])
      return slot
    },
    read,
    tensorOf,
    slotOf: (data) => {
      const own = deferred.get(data)
      return own?.isDirect === true ? own.slot : undefined
    },
    isOpen: () => depth > 0,
    scope: (body) => (depth > 0 ? nested(body) : outermost(body)),
    task,
  }
}

/** A tensor without numbers, or of zeros: nothing to compute. */
export const zerosOf = (shape: Shape, dtype: 'float32' | 'float64' | 'int32'): Tensor =>
  unsafeTensor(allocate(dtype, sizeOf(shape)), shape)
