/**
 * The plain convolutional network for CIFAR-10 that private learning is compared on.
 */
import { type AnyLayer, adaptiveAvgPool2d, avgPool2d, conv2d, flatten, type LayerRule, named } from '../grad/index.js'
import type { Tree } from '../tensor/tree.js'
import { type Activation, activationLayers } from './small-cnn.js'

/** Two 3×3 convolutions of equal width, and a pool that halves the image. */
const stage = (channels: number, act: AnyLayer): AnyLayer =>
  named({
    conv1: conv2d(channels, { kernel: 3, padding: 1 }),
    act1: act,
    conv2: conv2d(channels, { kernel: 3, padding: 1 }),
    act2: act,
    pool: avgPool2d({ kernel: 2 }),
  })

/**
 * Eight 3×3 convolutions, the last of which has a channel for each class and is averaged over the image.
 *
 * Shapes     x [n, 3, 32, 32] → y [n, 10]; 605,226 parameters
 * Cost       38 million multiply-adds a sample for the output
 * Reference  Papernot et al. 2021, arXiv:2007.14191, table 2
 *
 * @example
 * cifarCnn().init(key(0), [3, 32, 32]).output // => [10]
 */
export const cifarCnn = (activation: Activation = 'tanh'): LayerRule<Tree, unknown> => {
  const act = activationLayers[activation]
  return named({
    stage1: stage(32, act),
    stage2: stage(64, act),
    stage3: stage(128, act),
    conv7: conv2d(256, { kernel: 3, padding: 1 }),
    act7: act,
    conv8: conv2d(10, { kernel: 3, padding: 1 }),
    pool: adaptiveAvgPool2d(1),
    flatten,
  })
}
