/**
 * Linear memory as a stack of temporaries: at the end of a scope it is as it was. What is given up before that serves the next
 * temporary of its size.
 */
import { isAtHome } from '../../home.js'
import { ownElements, placeOf, type Storage, type Tensor, unsafeTensor } from '../../tensor.js'
import type { MemoryLimit } from '../backend.js'
import { mapTensors } from '../within.js'
import type { Queue } from './queue.js'

const PAGE = 65536
/** Kernels may read a few vectors past the end of an operand. */
const SLACK = 256
const ALIGNMENT = 64

/** The types that live in linear memory. */
export interface ArenaStorage {
  readonly float32: Float32Array
  readonly float64: Float64Array
  readonly int32: Int32Array
}

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT

const constructors = { float32: Float32Array, float64: Float64Array, int32: Int32Array } as const

export interface Arena {
  /** Uninitialised storage that lives until the innermost scope ends. */
  readonly allocate: <D extends keyof ArenaStorage>(dtype: D, length: number) => ArenaStorage[D]
  /** Does this storage lie in linear memory? Throws if its scope has ended, or if it was given up. */
  readonly holds: (data: Storage) => boolean
  /** Lets the innermost scope, if it allocated this storage, use its place again. */
  readonly release: (data: Storage) => void
  /** Gives back what the body allocates. */
  readonly temporarily: <A>(body: () => A) => A
  /** Storage that `fill` will write to, in its turn; `readsArena` where it reads what lies in linear memory. */
  readonly written: <D extends keyof ArenaStorage>(
    dtype: D,
    length: number,
    fill: (out: ArenaStorage[D]) => void,
    readsArena?: boolean,
  ) => ArenaStorage[D]
  /** Storage of this scope that holds part of a source from elsewhere; made once for each part, dtype and way of copying. */
  readonly copyOf: (source: Storage, part: Part, dtype: keyof ArenaStorage, copy?: Copying) => Storage
  readonly scope: <A>(body: () => A) => A
  readonly isOpen: () => boolean
  /**
   * Runs a body in places of its own: what the innermost scope allocates before and after is where no such body wrote, not even
   * temporarily. It may then be done again. Says whether the scope is still open.
   */
  readonly inOwnPlaces: (body: () => void) => () => boolean
  /** Bytes of linear memory that scopes have needed at most, so far. */
  readonly peak: () => number
}

/** Thrown through the body of a scope whose memory has to move. */
const exhausted = Object.assign(new Error('the body of a scope ran out of memory and is run again'), {
  name: 'ArenaExhausted',
})

const tooLarge = (needed: number, limit: number): MemoryLimit => {
  const [least, most] = [needed, limit].map((size) => Math.ceil(size / 2 ** 20))
  const sentence = `the tensors of this scope need at least ${least} MiB, and WebAssembly has at most ${most}: a smaller physical batch would fit`
  return Object.assign(new RangeError(sentence), { name: 'MemoryLimit' as const, needed, limit })
}

/** Elements of a storage. */
export interface Part {
  readonly first: number
  readonly length: number
}

/** Writes numbers where they are of another type. */
export type Copying = (to: Storage, from: Storage) => void

const asTheyAre: Copying = (to, from) => to.set(from)

interface Copy extends Part {
  readonly dtype: keyof ArenaStorage
  readonly copy: Copying
  readonly storage: Storage
}

/** A scope, and what was given up of the places of bodies that may be done again. */
interface Lifetime {
  isOpen: boolean
  readonly vacant: Map<number, number[]>
}

/** Where an arena begins, and what size its memory may grow to, in bytes. */
export interface Extent {
  readonly base: number
  readonly limit: number
}

/**
 * An arena over a memory in which a queue does its work. `moved` is told of each buffer that tensors are made in: the first, and one
 * whenever the memory has grown.
 */
export const arenaOver = (
  memory: WebAssembly.Memory,
  { base, limit }: Extent,
  { later, settle, drop }: Pick<Queue, 'later' | 'settle' | 'drop'>,
  moved: (buffer: ArrayBufferLike) => void,
): Arena => {
  /**
   * The buffer that tensors are made in. An engine may give a shared memory another one at any time (V8 does when a second
   * memory grows), and tensors made in that would not be known as ours: results would stay where the next step writes.
   */
  let buffer = memory.buffer
  const growsInPlace = typeof SharedArrayBuffer === 'function' && buffer instanceof SharedArrayBuffer
  const buffers = new WeakSet<ArrayBufferLike>([buffer])
  moved(buffer)
  const copies = new Map<Storage, Copy[]>()
  const copied: Storage[] = []
  let top = base
  let peak = base
  let depth = 0
  /** Bytes that an aborted body asked for. */
  let wanted = 0
  /** Where the innermost scope begins, and the addresses that it was given up, by their size in bytes. */
  let start = base
  let vacant = new Map<number, number[]>()
  const released = new WeakSet<Storage>()
  /** The highest address so far that a body in places of its own wrote up to. */
  let highest = base
  let innermost: Lifetime = { isOpen: false, vacant: new Map() }
  /** What `temporarily` gives back is no place for what lives longer. */
  let isTemporary = false

  const refused = (bytes: number): MemoryLimit => tooLarge(bytes - base, limit - base)

  const grow = (bytes: number): void => {
    if (bytes > limit) throw refused(bytes)
    const now = buffer.byteLength
    const pages = (size: number): number => Math.ceil((Math.min(size, limit) - now) / PAGE)
    try {
      memory.grow(pages(Math.max(bytes, now * 2)))
    } catch {
      try {
        memory.grow(pages(bytes))
      } catch {
        throw refused(bytes)
      }
    }
    buffer = memory.buffer
    buffers.add(buffer)
    moved(buffer)
  }

  const take = <D extends keyof ArenaStorage>(dtype: D, length: number): ArenaStorage[D] => {
    const bytes = length * constructors[dtype].BYTES_PER_ELEMENT
    const again = isTemporary ? undefined : vacant.get(aligned(bytes))?.pop()
    if (again !== undefined) return new constructors[dtype](buffer, again, length) as ArenaStorage[D]
    const end = top + bytes
    if (end + SLACK > buffer.byteLength) {
      if (!growsInPlace) {
        if (end + SLACK > limit) throw refused(end + SLACK)
        wanted = end + SLACK
        throw exhausted
      }
      grow(end + SLACK)
    }
    const storage = new constructors[dtype](buffer, top, length)
    top = aligned(end)
    if (top > peak) peak = top
    if (top > highest) highest = top
    return storage as ArenaStorage[D]
  }

  const release = (data: Storage): void => {
    const isOurs = depth > 0 && buffers.has(data.buffer) && data.byteOffset >= start && data.length > 0
    if (isTemporary || !isOurs || released.has(data)) return
    released.add(data)
    const size = aligned(data.byteLength)
    const known = vacant.get(size)
    if (known === undefined) vacant.set(size, [data.byteOffset])
    else known.push(data.byteOffset)
  }

  const holds = (data: Storage): boolean => {
    if (data.buffer !== buffer && !buffers.has(data.buffer)) return false
    if (data.byteOffset + data.byteLength > top || data.buffer.byteLength === 0)
      throw new Error('a tensor was used after the end of the scope that made it: return it from the scope')
    if (released.has(data)) throw new Error('a tensor was used after it was given up')
    return true
  }

  const written: Arena['written'] = (dtype, length, fill, readsArena = false) => {
    const storage = take(dtype, length)
    if (readsArena) later(() => fill(storage))
    else later(() => fill(storage), storage)
    return storage
  }

  const copyOf: Arena['copyOf'] = (source, { first, length }, dtype, copy = asTheyAre) => {
    const known = copies.get(source) ?? []
    const found = known.find(
      (one) => one.first === first && one.length === length && one.dtype === dtype && one.copy === copy,
    )
    if (found !== undefined) return found.storage
    const storage = written(dtype, length, (out) => copy(out, source.subarray(first, first + length)))
    // What another device may write over, or has yet to write, is read at once.
    if (isAtHome(source)) settle()
    copies.set(source, [...known, { first, length, dtype, copy, storage }])
    copied.push(source)
    return storage
  }

  /** Forgets the copies made since there were `count` of them. */
  const forget = (count: number): void => {
    while (copied.length > count) {
      const source = copied.pop() as Storage
      const rest = (copies.get(source) as Copy[]).slice(0, -1)
      if (rest.length > 0) copies.set(source, rest)
      else copies.delete(source)
    }
  }

  const temporarily = <A>(body: () => A): A => {
    const [mark, count, wasTemporary] = [top, copied.length, isTemporary]
    isTemporary = true
    try {
      return body()
    } finally {
      isTemporary = wasTemporary
      forget(count)
      top = mark
    }
  }

  const inOwnPlaces: Arena['inOwnPlaces'] = (body) => {
    const [scope, others] = [innermost, vacant]
    vacant = scope.vacant
    highest = top
    try {
      body()
    } finally {
      vacant = others
    }
    top = highest
    return () => scope.isOpen
  }

  /** Moves the storage behind the tensors that lies above `mark` down to it, and leaves `top` behind it. */
  const compact = (result: unknown, mark: number): unknown => {
    const found = new Set<Storage>()
    mapTensors(result, (t) => {
      const data = placeOf(t)
      if (buffers.has(data.buffer) && data.byteOffset >= mark && holds(data)) found.add(data)
      return t
    })
    if (found.size > 0) settle()
    const bytes = new Uint8Array(buffer)
    const targets = new Map<Storage, Storage>()
    let end = mark
    for (const data of [...found].sort((a, b) => a.byteOffset - b.byteOffset)) {
      if (data.byteOffset > end) bytes.copyWithin(end, data.byteOffset, data.byteOffset + data.byteLength)
      const dtype = data instanceof Float32Array ? 'float32' : data instanceof Float64Array ? 'float64' : 'int32'
      targets.set(data, new constructors[dtype](buffer, end, data.length))
      end = aligned(end + data.byteLength)
    }
    top = end
    return mapTensors(result, (t) => {
      const data = targets.get(placeOf(t))
      return data === undefined ? t : { ...t, data }
    })
  }

  const copyOut = (t: Tensor): Tensor => {
    if (!holds(placeOf(t))) return t
    return unsafeTensor(ownElements(t.dtype, t), t.shape)
  }

  const nested = <A>(body: () => A): A => {
    const [mark, count, around] = [top, copied.length, { start, vacant, innermost }]
    let result: unknown
    depth++
    innermost = { isOpen: true, vacant: new Map() }
    start = mark
    vacant = new Map()
    try {
      result = body()
    } catch (error) {
      top = mark
      throw error
    } finally {
      depth--
      innermost.isOpen = false
      innermost = around.innermost
      forget(count)
      start = around.start
      vacant = around.vacant
    }
    return compact(result, mark) as A
  }

  const outermost = <A>(body: () => A): A => {
    for (;;) {
      wanted = 0
      depth = 1
      innermost = { isOpen: true, vacant: new Map() }
      try {
        const result = body()
        settle()
        if (wanted === 0) return mapTensors(result, copyOut) as A
      } catch (error) {
        if (wanted === 0) throw error
      } finally {
        drop()
        depth = 0
        innermost.isOpen = false
        forget(0)
        top = base
        vacant = new Map()
      }
      grow(wanted)
    }
  }

  return {
    allocate: take,
    holds,
    release,
    temporarily,
    written,
    copyOf,
    scope: (body) => (depth > 0 ? nested(body) : outermost(body)),
    isOpen: () => depth > 0,
    inOwnPlaces,
    peak: () => peak,
  }
}
