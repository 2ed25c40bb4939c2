/**
 * Residual networks for images of 32 × 32 pixels, with normalisation that private learning can use.
 */
import {
  type AnyLayer,
  adaptiveAvgPool2d,
  type Conv2dParams,
  conv2d,
  flatten,
  groupNorm,
  identity,
  type LayerRule,
  linear,
  named,
  relu,
  residual,
  sequential,
  weightStandardised,
} from '../grad/index.js'
import type { Tensor } from '../tensor/tensor.js'
import type { Tree } from '../tensor/tree.js'
import { zeroPaddedShortcut } from './zero-padded-shortcut.js'

/** The settings of the residual networks. */
export interface ResNetOptions {
  /** Classes, default 10. */
  readonly classes?: number
  /** Groups of every group normalisation; must divide 16. Default 16. */
  readonly groups?: number
  /**
   * The way around a block that changes the shape: `zeros` without parameters (option A of He et al., the default), or a 1×1
   * `convolution` (option B), normalised where the activation comes after.
   */
  readonly shortcut?: 'zeros' | 'convolution'
}

/** What a block is made of. */
interface BlockParts {
  readonly channels: number
  readonly stride: number
  /** Does the input have other channels than the output? */
  readonly widens: boolean
}

/** 3 stages of blocks, of which the first of each may change the shape. */
const stages = (
  widths: readonly [first: number, ...rest: number[]],
  { blocks, from }: { readonly blocks: number; readonly from: number },
  block: (parts: BlockParts) => AnyLayer,
): Readonly<Record<string, AnyLayer>> =>
  Object.fromEntries(
    widths.map((channels, s) => [
      `stage${s + 1}`,
      sequential(
        ...Array.from({ length: blocks }, (_, b) =>
          block({
            channels,
            stride: s > 0 && b === 0 ? 2 : 1,
            widens: b === 0 && channels !== (widths[s - 1] ?? from),
          }),
        ),
      ),
    ]),
  )

const conv3 = (channels: number, stride = 1): LayerRule<Conv2dParams, Tensor> =>
  conv2d(channels, { kernel: 3, stride, padding: 1, bias: false })

/** Global average, and an affine layer. */
const head = (classes: number): Readonly<Record<string, AnyLayer>> => ({
  pool: adaptiveAvgPool2d(1),
  flatten,
  linear: linear(classes),
})

/**
 * ResNet-20 with group normalisation in the place of batch normalisation, which mixes samples.
 *
 *   block(x) = relu(norm₂ conv₂ relu norm₁ conv₁ x + shortcut x)
 *
 * Shapes     x [n, 3, 32, 32] → y [n, classes]; 269,722 parameters for 10 classes, 272,474 with convolutions as shortcuts
 * Cost       41 million multiply-adds a sample for the output
 * Reference  He, Zhang, Ren, Sun 2016, arXiv:1512.03385, section 4.2; Wu, He 2018, arXiv:1803.08494 (group normalisation)
 *
 * @example
 * resNet20().init(key(0), [3, 32, 32]).output // => [10]
 */
export const resNet20 = ({
  classes = 10,
  groups = 16,
  shortcut = 'zeros',
}: ResNetOptions = {}): LayerRule<Tree, unknown> => {
  const norm = groupNorm({ groups })
  const around = ({ channels, stride, widens }: BlockParts): AnyLayer => {
    if (!widens && stride === 1) return identity
    return shortcut === 'zeros'
      ? zeroPaddedShortcut({ channels, stride })
      : named({ conv: conv2d(channels, { kernel: 1, stride, bias: false }), norm })
  }
  const block = (parts: BlockParts): AnyLayer => {
    const body = named({
      conv1: conv3(parts.channels, parts.stride),
      norm1: norm,
      relu,
      conv2: conv3(parts.channels),
      norm2: norm,
    })
    return sequential(residual(body, around(parts)), relu)
  }
  return named({
    conv: conv3(16),
    norm,
    relu,
    ...stages([16, 32, 64], { blocks: 3, from: 16 }, block),
    ...head(classes),
  })
}

/** What a network with normalisation and activation before each convolution is made of. */
interface PreActivationParts {
  readonly widths: readonly [first: number, ...rest: number[]]
  readonly blocks: number
  readonly classes: number
  readonly norm: AnyLayer
  readonly conv: (channels: number, stride?: number) => AnyLayer
  readonly shortcut: (parts: BlockParts) => AnyLayer
}

/** Where a block changes the shape, the shortcut too sees the normalised and activated input. */
const preActivated = ({
  widths,
  blocks,
  classes,
  norm,
  conv,
  shortcut,
}: PreActivationParts): LayerRule<Tree, unknown> =>
  named({
    conv: conv(16),
    ...stages(widths, { blocks, from: 16 }, (parts) => {
      const { channels, stride, widens } = parts
      const first = { norm1: norm, relu1: relu }
      const rest = { conv1: conv(channels, stride), norm2: norm, relu2: relu, conv2: conv(channels) }
      return widens || stride > 1
        ? named({ ...first, sum: residual(named(rest), shortcut(parts)) })
        : residual(named({ ...first, ...rest }))
    }),
    norm,
    relu,
    ...head(classes),
  })

/**
 * The pre-activation ResNet-20 with group normalisation: nothing stands in the way of the identity between stages.
 *
 *   block(x) = conv₂ relu norm₂ conv₁ relu norm₁ x + x
 *
 * Shapes     x [n, 3, 32, 32] → y [n, classes]; 269,722 parameters for 10 classes, 272,282 with convolutions as shortcuts
 * Cost       41 million multiply-adds a sample for the output
 * Reference  He, Zhang, Ren, Sun 2016, arXiv:1603.05027; Wu, He 2018, arXiv:1803.08494 (group normalisation)
 *
 * @example
 * preActivationResNet20({ classes: 100 }).init(key(0), [3, 32, 32]).output // => [100]
 */
export const preActivationResNet20 = ({
  classes = 10,
  groups = 16,
  shortcut = 'zeros',
}: ResNetOptions = {}): LayerRule<Tree, unknown> =>
  preActivated({
    widths: [16, 32, 64],
    blocks: 3,
    classes,
    norm: groupNorm({ groups }),
    conv: conv3,
    shortcut: ({ channels, stride }) =>
      shortcut === 'zeros'
        ? zeroPaddedShortcut({ channels, stride })
        : conv2d(channels, { kernel: 1, stride, bias: false }),
  })

/**
 * WRN-16-4, the wide residual network of De et al.: every convolution is weight-standardised, every normalisation is by group.
 *
 * Shapes     x [n, 3, 32, 32] → y [n, classes]; 2,748,890 parameters for 10 classes
 * Cost       389 million multiply-adds a sample for the output
 * Reference  Zagoruyko, Komodakis 2016, arXiv:1605.07146; De et al. 2022, arXiv:2204.13650, section 3 (under privacy)
 *
 * @example
 * wideResNet16x4().init(key(0), [3, 32, 32]).output // => [10]
 */
export const wideResNet16x4 = ({
  classes = 10,
  groups = 16,
}: Omit<ResNetOptions, 'shortcut'> = {}): LayerRule<Tree, unknown> => {
  const standardised = weightStandardised()
  return preActivated({
    widths: [64, 128, 256],
    blocks: 2,
    classes,
    norm: groupNorm({ groups }),
    conv: (channels, stride) => standardised(conv3(channels, stride)),
    shortcut: ({ channels, stride }) => standardised(conv2d(channels, { kernel: 1, stride, bias: false })),
  })
}
