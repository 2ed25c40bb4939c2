/**
 * One instance of the kernels with its memory: how operands get in, where results go, and how a kernel is started.
 */
import { isAtHome } from '../../home.js'
import type { Shape } from '../../shape.js'
import { rowMajor, sizeOf } from '../../shape.js'
import {
  awaitedTensor,
  contiguous,
  copyInto,
  isContiguous,
  placeOf,
  type Storage,
  size,
  storageOf,
  type Tensor,
  viewOf,
} from '../../tensor.js'
import type { Backend } from '../backend.js'
import { type Arena, type ArenaStorage, arenaOver, type Copying } from './arena.js'
import {
  ARGUMENT_COUNT,
  type ChainOptions,
  chainOf,
  type Launch,
  type Launcher,
  type Scratch,
  WORTH_WAKING,
} from './chain.js'
import { kernel } from './kernel.js'
import { startWorker } from './platform.js'
import { queue } from './queue.js'
import { recorder } from './recording.js'
import { collapse, zipArguments } from './walk.js'

/** Layout of linear memory: the control page, the scratch of each thread, numbers that lie aside, the arena. */
const CONTROL = 65536
/** Scratch of a thread; what does not fit is taken from the arena. Not a power of two, so that threads do not share sets. */
export const SCRATCH: number = 1024 * 1024 + 4096 + 320

/** Of numbers that lie aside: each takes the place of what is there longest. At the top of the arena it would be what is read just now, and threads would have to wait. */
const ASIDE = 1280 * 1024

/** A view in linear memory: address in bytes, strides in elements. */
export interface Strided {
  readonly address: number
  readonly shape: Shape
  readonly stride: readonly number[]
}

export interface Device {
  readonly arena: Arena
  /** Bytes that the arena may hold. */
  readonly memoryLimit: number
  /** Address of the elements as row-major float32. */
  readonly dense: (t: Tensor) => number
  /** Address of the elements as row-major int32. */
  readonly integers: (t: Tensor) => number
  /** Address of the elements as row-major float64. */
  readonly doubles: (t: Tensor) => number
  /** The elements as float32 under some strides. */
  readonly strided: (t: Tensor) => Strided
  /** Address of float32 numbers, none farther from zero than the element it stands for. */
  readonly roundedToZero: (t: Tensor) => number
  /** A tensor yet to be written. */
  readonly result: <D extends keyof ArenaStorage>(
    dtype: D,
    shape: Shape,
  ) => { readonly tensor: Tensor; readonly address: number }
  /** A tensor of the same number everywhere. */
  readonly filled: (dtype: keyof ArenaStorage, shape: Shape, value: number) => Tensor
  /** Runs a kernel before anybody reads a result. */
  readonly launch: (job: Launch) => void
  /** Room for so many float32, for a body to launch what makes them and what reads them: nobody needs them behind it. */
  readonly aside: (numbers: number, body: (address: number) => void) => void
  /** Runs the kernels that were launched. */
  readonly settle: () => void
  readonly record: Required<Backend>['record']
  readonly close: () => void
}

interface Exports extends Launcher {
  readonly dismiss: () => void
}

/** Numbers as float32, none farther from zero than it was. */
const towardsZero: Copying = (to, from) => {
  to.set(from)
  const bits = new Int32Array(to.buffer, to.byteOffset, to.length)
  // One bit pattern less is one step towards zero, from an infinity too.
  for (let i = 0; i < to.length; i++)
    if (Math.abs(to[i] as number) > Math.abs(from[i] as number)) bits[i] = (bits[i] as number) - 1
}

/** First and last element that a view reaches, as indices of its storage. */
const reach = (t: Tensor): readonly [first: number, last: number] => {
  let first = t.offset
  let last = t.offset
  t.shape.forEach((extent, axis) => {
    const far = (extent - 1) * (t.stride[axis] as number)
    if (far < 0) first += far
    else last += far
  })
  return [first, last]
}

interface Reservation {
  readonly memory: WebAssembly.Memory
  /** Bytes that it may grow to. */
  readonly limit: number
}

/** Memory that may grow to so many pages, or to as much as the host lets shared memory reserve. */
const reserve = (initial: number, shared: boolean, maximum: number): Reservation => {
  try {
    // The last page stays free, so that no address wraps around.
    return { memory: new WebAssembly.Memory({ initial, maximum, shared }), limit: (maximum - 1) * 65536 }
  } catch (error) {
    if (maximum <= 2 * initial) throw error
    return reserve(initial, shared, maximum / 2)
  }
}

export interface DeviceOptions {
  readonly module: WebAssembly.Module
  readonly threads: number
  readonly shared: boolean
  /** Bytes of tensors, at most; what is above 4 GiB is not to be had. */
  readonly memoryLimit?: number
  /** Told of every buffer that the memory has, one after another. */
  readonly moved: (buffer: ArrayBufferLike) => void
  /** For a check of footprints: see `ChainOptions`. */
  readonly apart?: ChainOptions['apart']
}

/** WebAssembly addresses so many pages of 64 KiB. */
const ALL_PAGES = 65536

/** Workers start with the first kernel that is worth waking them. */
export const deviceOf = ({
  module,
  threads,
  shared,
  memoryLimit = Number.POSITIVE_INFINITY,
  moved,
  apart,
}: DeviceOptions): Device => {
  const asideBase = CONTROL + threads * Math.ceil(SCRATCH / 64) * 64
  // Where footprints are checked there is little of it, so that it is soon written over.
  const asideBytes = apart === undefined ? ASIDE : 32 * 1024
  const base = asideBase + asideBytes
  const initial = Math.ceil(base / 65536) + 64
  const wanted = Math.ceil((base + memoryLimit) / 65536) + 1
  const { memory, limit } = reserve(initial, shared, Math.min(ALL_PAGES, Math.max(initial + 1, wanted)))
  const launcher = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Exports
  const chain = chainOf(memory.buffer, { launcher, threads, ...(apart === undefined ? {} : { apart }) })
  const waiting = queue(chain)
  const { settle } = waiting
  const arenaBase = Math.ceil(base / 65536) * 65536
  const arena = arenaOver(memory, { base: arenaBase, limit }, waiting, (buffer) => {
    chain.move(buffer)
    moved(buffer)
  })
  const ownScratch: Scratch = { address: CONTROL, step: Math.ceil(SCRATCH / 64) * 64, isPassing: false }
  let helpers = 0
  let closed = false

  const launch = (job: Launch): void => {
    if (job.parts <= 0) return
    if (job.arguments.length > ARGUMENT_COUNT)
      throw new RangeError(`a kernel takes ${ARGUMENT_COUNT} arguments, and there are ${job.arguments.length}`)
    if (threads > 1 && !closed && job.cost >= WORTH_WAKING)
      while (helpers < threads - 1) startWorker({ module, memory, thread: ++helpers })
    const need = job.scratch ?? 0
    if (need <= SCRATCH) waiting.launch(job, ownScratch)
    else
      arena.temporarily(() => {
        const step = Math.ceil(need / 64) * 64
        waiting.launch(job, {
          address: arena.allocate('float32', (threads * step) / 4).byteOffset,
          step,
          isPassing: true,
        })
      })
  }

  let turn = 0
  const aside: Device['aside'] = (numbers, body) => {
    const bytes = Math.ceil((4 * numbers) / 64) * 64 + 256
    if (bytes > asideBytes / 2) {
      arena.temporarily(() => body(arena.allocate('float32', numbers).byteOffset))
      return
    }
    if (turn + bytes > asideBytes) turn = 0
    const address = asideBase + turn
    turn += bytes
    body(address)
  }

  const result: Device['result'] = (dtype, shape) => {
    const storage = arena.allocate(dtype, sizeOf(shape))
    return { tensor: awaitedTensor(storage as Storage, shape, settle), address: storage.byteOffset }
  }

  const filled: Device['filled'] = (dtype, shape, value) => {
    const storage = arena.written(dtype, sizeOf(shape), (out) => out.fill(value))
    return awaitedTensor(storage as Storage, shape, settle)
  }

  const converted = (t: Tensor, dtype: 'float32' | 'int32'): number => {
    const { byteOffset } = arena.written(dtype, size(t), (out) => copyInto(out, 0, t), arena.holds(placeOf(t)))
    if (isAtHome(placeOf(t)) && !arena.holds(placeOf(t))) settle()
    return byteOffset
  }

  const strided = (t: Tensor): Strided => {
    const data = placeOf(t)
    if (size(t) === 0) return { address: CONTROL, shape: t.shape, stride: rowMajor(t.shape) }
    if (arena.holds(data) && t.dtype === 'float32')
      return { address: data.byteOffset + 4 * t.offset, shape: t.shape, stride: t.stride }
    if (!arena.holds(data)) {
      const [first, last] = reach(t)
      const length = last - first + 1
      if (length <= 2 * size(t)) {
        const { byteOffset } = arena.copyOf(storageOf(t), { first, length }, 'float32')
        return { address: byteOffset + 4 * (t.offset - first), shape: t.shape, stride: t.stride }
      }
    }
    return { address: converted(t, 'float32'), shape: t.shape, stride: rowMajor(t.shape) }
  }

  const dense = (t: Tensor): number => {
    const data = placeOf(t)
    // The way of most operands.
    if (data instanceof Float32Array && arena.holds(data) && isContiguous(t)) return data.byteOffset + 4 * t.offset
    const view = strided(t)
    if (size(t) === 0 || isContiguous(viewOf(t, t.shape, view.stride))) return view.address
    const { axes, run, step } = collapse(view.shape, [view.stride])
    const count = sizeOf(axes.map(({ extent }) => extent))
    const { address } = result('float32', [count * run])
    const part = 8192
    const units = count * Math.ceil(run / part)
    const unitsPerChunk = Math.max(1, Math.floor(part / run))
    launch({
      kernel: kernel.gather,
      arguments: zipArguments({
        addresses: [view.address, 0, address],
        op: 0,
        run,
        steps: [4 * (step[0] as number), 0],
        part,
        units,
        unitsPerChunk,
        axes,
      }),
      parts: Math.ceil(units / unitsPerChunk),
      cost: count * run,
    })
    return address
  }

  const integers = (t: Tensor): number => {
    const data = placeOf(t)
    if (size(t) === 0) return CONTROL
    if (!isContiguous(t)) return converted(t, 'int32')
    if (!arena.holds(data)) return arena.copyOf(storageOf(t), { first: t.offset, length: size(t) }, 'int32').byteOffset
    return t.dtype === 'int32' ? data.byteOffset + 4 * t.offset : converted(t, 'int32')
  }

  const doubles = (t: Tensor): number => {
    if (size(t) === 0) return CONTROL
    const own = contiguous(t)
    const data = placeOf(own)
    if (arena.holds(data) && own.dtype === 'float64') return data.byteOffset + 8 * own.offset
    return arena.copyOf(storageOf(own), { first: own.offset, length: size(t) }, 'float64').byteOffset
  }

  const roundedToZero = (t: Tensor): number => {
    if (t.dtype === 'float32') return dense(t)
    const own = contiguous(t)
    const part = { first: own.offset, length: size(t) }
    const data = placeOf(own)
    if (!arena.holds(data)) return arena.copyOf(storageOf(own), part, 'float32', towardsZero).byteOffset
    const from = data.subarray(part.first, part.first + part.length)
    return arena.written('float32', part.length, (to) => towardsZero(to, from), true).byteOffset
  }

  const close = (): void => {
    closed = true
    chain.close()
    launcher.dismiss()
  }
  return {
    arena,
    memoryLimit: limit - arenaBase,
    dense,
    integers,
    doubles,
    strided,
    roundedToZero,
    result,
    filled,
    launch,
    aside,
    settle,
    record: recorder(arena, waiting),
    close,
  }
}
