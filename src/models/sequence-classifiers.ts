/**
 * Classifiers of token sequences.
 */
import {
  embedding,
  encoderBlock,
  type LayerRule,
  lastStep,
  layerNorm,
  linear,
  lstm,
  named,
  positionalEmbedding,
  repeat,
} from '../grad/index.js'
import type { Tree } from '../tensor/tree.js'
import { meanOverPositions } from './mean-over-positions.js'

/** The settings of `lstmClassifier`. */
export interface LstmClassifierOptions {
  /** Tokens are 0 … vocabulary − 1. */
  readonly vocabulary: number
  /** Features of a token's embedding. */
  readonly features: number
  /** Features of the state. */
  readonly hidden: number
  readonly classes: number
  /** Default 1. */
  readonly layers?: number
}

/**
 * Embedding, LSTM, and an affine layer on the output of the last step.
 *
 * Shapes     tokens [n, t] → y [n, classes]; with v tokens, e features, h hidden, k classes and one layer
 *            v e + 4h (e + h + 2) + k (h + 1) parameters
 * Reference  Hochreiter, Schmidhuber 1997
 *
 * @example
 * lstmClassifier({ vocabulary: 50, features: 8, hidden: 16, classes: 3 }).init(key(0), [12]).output // => [3]
 */
export const lstmClassifier = ({
  vocabulary,
  features,
  hidden,
  classes,
  layers = 1,
}: LstmClassifierOptions): LayerRule<Tree, unknown> =>
  named({
    embedding: embedding({ vocabulary, features }),
    lstm: lstm(hidden, { layers }),
    last: lastStep,
    linear: linear(classes),
  })

/** The settings of `transformerClassifier`. */
export interface TransformerClassifierOptions {
  /** Tokens are 0 … vocabulary − 1. */
  readonly vocabulary: number
  /** e, features of a position; the heads divide it. */
  readonly features: number
  readonly heads: number
  /** Encoder blocks. */
  readonly blocks: number
  readonly classes: number
  /** Features within a block; default 4e. */
  readonly hidden?: number
}

/**
 * A small transformer: embeddings of tokens and positions, encoder blocks with normalisation first, the mean over positions,
 * and an affine layer.
 *
 * Shapes     tokens [n, t] → y [n, classes]; with v tokens, e features, f hidden, L blocks and k classes
 *            v e + t e + L (4e² + 2e f + 9e + f) + 2e + k (e + 1) parameters
 * Reference  Vaswani et al. 2017, arXiv:1706.03762; Xiong et al. 2020, arXiv:2002.04745 (normalisation first)
 *
 * @example
 * const small = { vocabulary: 20, features: 8, heads: 2, blocks: 2, classes: 3 }
 * transformerClassifier(small).init(key(0), [6]).output // => [3]
 */
export const transformerClassifier = ({
  vocabulary,
  features,
  heads,
  blocks,
  classes,
  hidden = 4 * features,
}: TransformerClassifierOptions): LayerRule<Tree, unknown> =>
  named({
    embedding: embedding({ vocabulary, features }),
    position: positionalEmbedding(),
    blocks: repeat(blocks)(encoderBlock({ features, heads, hidden })),
    norm: layerNorm(),
    mean: meanOverPositions,
    linear: linear(classes),
  })
