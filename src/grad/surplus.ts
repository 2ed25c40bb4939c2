/**
 * What a pass has made and nobody will read again: given up, so that its memory serves the next operation.
 */
import type { Backend } from '../tensor/backend/backend.js'
import { isTensor, type Storage, type Tensor } from '../tensor/tensor.js'

/** What a value is made of. */
export interface Holdings {
  /** The storages of the tensors within records and lists. */
  readonly storages: ReadonlySet<Storage>
  /** False where something else may hide further tensors: a function, an object of a class. */
  readonly isWhole: boolean
}

/** What was found in a record or list, which never changes: the caches of a model are asked for at each of its levels. */
const found = new WeakMap<object, Holdings>()

/** The storages within a value. @internal */
export const holdingsOf = (value: unknown): Holdings => {
  const known = typeof value === 'object' && value !== null ? found.get(value) : undefined
  if (known !== undefined) return known
  const [seen, storages] = [new Set<object>(), new Set<Storage>()]
  let isWhole = true
  const walk = (node: unknown): void => {
    if (typeof node === 'function') isWhole = false
    if (typeof node !== 'object' || node === null || seen.has(node)) return
    seen.add(node)
    if (isTensor(node)) storages.add(node.data as Storage)
    else if (ArrayBuffer.isView(node)) storages.add(node as Storage)
    else {
      const before = found.get(node)
      if (before !== undefined) {
        isWhole &&= before.isWhole
        for (const storage of before.storages) storages.add(storage)
        return
      }
      const prototype: unknown = Object.getPrototypeOf(node)
      isWhole &&= Array.isArray(node) || prototype === Object.prototype || prototype === null
      for (const child of Object.values(node)) walk(child)
    }
  }
  walk(value)
  const holdings = { storages, isWhole }
  if (typeof value === 'object' && value !== null && storages.size > 1) found.set(value, holdings)
  return holdings
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
    const { storages, isWhole } = holdingsOf(value)
    holdsAll ||= !isWhole
    for (const storage of storages) holding.add(storage)
  }
  hold(held)
  return {
    hold,
    giveUp: (...tensors) => {
      if (holdsAll) return
      for (const t of tensors) if (!holding.has(t.data as Storage)) release(t)
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
