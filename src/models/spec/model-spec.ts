/**
 * A model as plain data: its layers under names, and how they are wired. What `validate` and `fix` read, and what `build` makes
 * a rule of.
 */
import type { LayerSpec } from './layer-spec.js'

/**
 * How named layers make a model: a name is that layer; a list is one after the other; a residual adds a way around (the
 * identity, where no shortcut is given); branches stand side by side, and are added or concatenated.
 */
export type Wiring =
  | string
  | readonly Wiring[]
  | { readonly residual: Wiring; readonly shortcut?: Wiring }
  | { readonly add: readonly [Wiring, ...Wiring[]] }
  | { readonly concatenate: readonly [Wiring, ...Wiring[]]; readonly axis?: number }

/** Layers under names, such as those that PyTorch gives to modules (`layer1.0.conv1`), and their wiring. */
export interface ModelSpec {
  readonly layers: Readonly<Record<string, LayerSpec>>
  readonly wiring: Wiring
}

const isList = (wiring: Wiring): wiring is readonly Wiring[] => Array.isArray(wiring)

/** What each shape of wiring becomes. */
interface Cases<A> {
  readonly layer: (name: string) => A
  readonly sequence: (parts: readonly A[]) => A
  readonly residual: (body: A, shortcut: A | undefined) => A
  readonly parallel: (branches: readonly A[], axis: number | undefined) => A
}

/**
 * Folds wiring from its names upwards. `axis` is that of a concatenation, and undefined where branches are added.
 *
 * @internal
 */
export const foldWiring =
  <A>(cases: Cases<A>) =>
  (wiring: Wiring): A => {
    const walk = (node: Wiring): A => {
      if (typeof node === 'string') return cases.layer(node)
      if (isList(node)) return cases.sequence(node.map(walk))
      if ('residual' in node)
        return cases.residual(walk(node.residual), node.shortcut === undefined ? undefined : walk(node.shortcut))
      if ('add' in node) return cases.parallel(node.add.map(walk), undefined)
      return cases.parallel(node.concatenate.map(walk), node.axis ?? 0)
    }
    return walk(wiring)
  }

/**
 * Every name in the wiring, as often as it stands there, in order.
 *
 * @example
 * namesIn(['a', { residual: ['b', 'a'] }]) // => ['a', 'b', 'a']
 */
export const namesIn: (wiring: Wiring) => readonly string[] = foldWiring<readonly string[]>({
  layer: (name) => [name],
  sequence: (parts) => parts.flat(),
  residual: (body, shortcut = []) => [...body, ...shortcut],
  parallel: (branches) => branches.flat(),
})
