/**
 * The same layer several times over, each time with parameters of its own.
 */
import type { Tree } from '../../tensor/tree.js'
import type { AnyLayer, LayerRule } from '../layer.js'
import { sequential } from './sequential.js'

/**
 * `times` copies of a layer in sequence. Parameters are the list of theirs. (For one set of parameters that is used each
 * time see `reuse`.)
 *
 * @example
 * repeat(3)(linear(4)).init(key(0), [4]).params.length // => 3
 */
export const repeat =
  (times: number) =>
  <P extends Tree, C>(rule: LayerRule<P, C>): LayerRule<readonly P[], readonly C[]> =>
    sequential(...new Array<AnyLayer>(times).fill(rule as unknown as AnyLayer)) as unknown as LayerRule<
      readonly P[],
      readonly C[]
    >
