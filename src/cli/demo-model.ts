/**
 * The network of BackPACK's DP-SGD example, 26,010 parameters; with tanh it is the one of Papernot et al. 2021.
 */
import {
  type AnyLayer,
  conv2d,
  flatten,
  type LayerRule,
  linear,
  maxPool2d,
  relu,
  sequential,
  tanh,
  zeroPad2d,
} from '../grad/index.js'
import type { Tree } from '../tensor/tree.js'

type Activation = 'relu' | 'tanh'
const activations: Readonly<Record<Activation, AnyLayer>> = { relu, tanh }

/** Images [1, 28, 28] to 10 logits. */
export const smallCnn = (activation: Activation): LayerRule<Tree, unknown> => {
  const act = activations[activation]
  return sequential(
    zeroPad2d({ top: 3, bottom: 4, left: 3, right: 4 }),
    conv2d(16, { kernel: 8, stride: 2 }),
    act,
    maxPool2d({ kernel: 2, stride: 1 }),
    conv2d(32, { kernel: 4, stride: 2 }),
    act,
    maxPool2d({ kernel: 2, stride: 1 }),
    flatten,
    linear(32),
    act,
    linear(10),
  ) as LayerRule<Tree, unknown>
}
