/**
 * Small convolutional networks for images of digits and clothes.
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

/** The nonlinearities that the networks of this folder are published with. */
export type Activation = 'relu' | 'tanh'

/** The layer of that name. @internal */
export const activationLayers: Readonly<Record<Activation, AnyLayer>> = { relu, tanh }

/**
 * The network of BackPACK's DP-SGD example; with tanh it is the one of Papernot et al. for MNIST and Fashion-MNIST.
 *
 * Shapes     x [n, 1, 28, 28] → y [n, 10]; 26,010 parameters
 * Reference  Papernot et al. 2021, arXiv:2007.14191, table 1; Dangel et al. 2020, arXiv:1912.10985 (BackPACK)
 *
 * @example
 * smallCnn('tanh').init(key(0), [1, 28, 28]).output // => [10]
 */
export const smallCnn = (activation: Activation): LayerRule<Tree, unknown> => {
  const act = activationLayers[activation]
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
  )
}
