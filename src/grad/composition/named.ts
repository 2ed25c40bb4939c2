/**
 * Sequential composition with names: the parameters are a record rather than a list.
 */
import type { Tree } from '../../tensor/tree.js'
import type { AnyLayer, LayerRule } from '../layer.js'
import { inForm } from './form.js'
import { sequential } from './sequential.js'

/** The parameters of each layer, under its name. */
export type NamedParams<R extends Readonly<Record<string, AnyLayer>>> = {
  readonly [K in keyof R]: R[K] extends LayerRule<infer P, infer _> ? P : never
}

/**
 * The layers of a record one after the other, in the order in which they are written. The path of a leaf is that which
 * PyTorch gives it (`conv.weight`). (A record whose names are whole numbers has them in numeric order.)
 *
 * @example
 * const model = named({ hidden: linear(4), act: tanh, head: linear(2) })
 * model.init(key(0), [3]).params.head.weight.shape // => [2, 4]
 */
export const named = <const R extends Readonly<Record<string, AnyLayer>>>(
  layers: R,
): LayerRule<NamedParams<R> & Tree, readonly unknown[]> => {
  type P = NamedParams<R> & Tree
  const names = Object.keys(layers)
  const inner = sequential(...Object.values(layers)) as unknown as LayerRule<readonly Tree[], readonly unknown[]>
  return inForm<P, readonly Tree[]>({
    name: `named(${Object.entries(layers)
      .map(([name, rule]) => `${name}: ${rule.name}`)
      .join(', ')})`,
    labels: names,
    into: (params) => names.map((name) => (params as Readonly<Record<string, Tree>>)[name] as Tree),
    from: (params) => Object.fromEntries(names.map((name, index) => [name, params[index] as Tree])) as P,
  })(inner)
}
