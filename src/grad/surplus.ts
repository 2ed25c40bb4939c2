/**
 * What a pass has made and nobody will read again: given up, so that its memory serves the next operation.
 */
import type { Backend } from '../tensor/backend/backend.js'
import { isTensor, placeOf, type Storage, type Tensor } from '../tensor/tensor.js'

/** What a value is made of. */
export interface Holdings {
  /** The storages of the tensors within records and lists. */
  readonly storages: ReadonlySet<Storage>
  /** False where something else may hide further tensors: a function, an object of a class. */
  readonly isWhole: boolean
}

/** Of so many records and lists nobody is asked what they hold: a value that is its own part has no end. */
const mostNodes = 2 ** 20

/** Adds the storages within a value. False where something else may hide further tensors. */
const gather = (value: unknown, storages: Set<Storage>): boolean => {
  let left = mostNodes
  const walk = (node: unknown): boolean => {
    if (typeof node !== 'object' || node === null) return typeof node !== 'function'
    if (isTensor(node)) {
      storages.add(placeOf(node))
      return true
    }
    if (ArrayBuffer.isView(node)) {
      storages.add(node as Storage)
      return true
    }
    if (--left < 0) return false
    let isWhole = true
    if (Array.isArray(node)) {
      for (const child of node) isWhole = walk(child) && isWhole
      return isWhole
    }
    const prototype: unknown = Object.getPrototypeOf(node)
    isWhole = prototype === Object.prototype || prototype === null
    for (const key in node) isWhole = walk((node as Readonly<Record<string, unknown>>)[key]) && isWhole
    return isWhole
  }
  return walk(value)
}

/** The storages within a value. @internal */
export const holdingsOf = (value: unknown): Holdings => {
  const storages = new Set<Storage>()
  return { isWhole: gather(value, storages), storages }
}

/** Gives up tensors, unless somebody holds what they are stored in. */
export interface Surplus {
  /** From now on this is held: tensors within records and lists. What may hide others holds everything. */
  readonly hold: (value: unknown) => void
  /** Of these nothing is read any more, but for what is held. */
  readonly giveUp: (...tensors: readonly Tensor[]) => void
}

const nothing: Surplus = { hold: () => undefined, giveUp: () => undefined }

/**
 * The surplus of a pass on a backend, where it has a use for that.
 *
 * @internal
 */
export const surplusOf = (backend: Backend, held: unknown): Surplus => {
  const { release } = backend
  if (release === undefined) return nothing
  const holding = new Set<Storage>()
  let holdsAll = false
  const hold = (value: unknown): void => {
    holdsAll = !gather(value, holding) || holdsAll
  }
  hold(held)
  return {
    hold,
    giveUp: (...tensors) => {
      if (holdsAll) return
      for (const t of tensors) if (!holding.has(placeOf(t))) release(t)
    },
  }
}

/** What the pullbacks of several layers hold together; undefined where one of them holds everything. @internal */
export const allHeld = (
  pulled: readonly (() => { readonly holds?: () => readonly unknown[] | undefined })[],
): readonly unknown[] | undefined => {
  const held = pulled.map((p) => p().holds?.())
  return held.includes(undefined) ? undefined : held
}
