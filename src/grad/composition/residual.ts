/**
 * Residual blocks: a body and a way around it.
 */
import type { Tree } from '../../tensor/tree.js'
import type { LayerRule } from '../layer.js'
import { inForm } from './form.js'
import { type ParallelCache, parallel } from './parallel.js'
import { sequential } from './sequential.js'

/** The parameters of the body and of the shortcut (none, where it is the identity). */
export type ResidualParams<P extends Tree, Q extends Tree> = { readonly body: P; readonly shortcut: Q }

/** The layer that changes nothing. */
export const identity: LayerRule<readonly [], readonly []> = sequential()

const around = <P extends Tree, C, Q extends Tree, D>(
  body: LayerRule<P, C>,
  shortcut: LayerRule<Q, D>,
): LayerRule<ResidualParams<P, Q>, ParallelCache<readonly [C, D]>> =>
  inForm<ResidualParams<P, Q>, readonly [P, Q]>({
    name: `residual(${body.name}, ${shortcut.name})`,
    labels: ['body', 'shortcut'],
    into: (params) => [params.body, params.shortcut],
    from: ([ofBody, ofShortcut]) => ({ body: ofBody, shortcut: ofShortcut }),
  })(parallel()(body, shortcut) as unknown as LayerRule<readonly [P, Q], ParallelCache<readonly [C, D]>>)

/**
 * y = body(x) + shortcut(x). The shortcut is the identity unless another layer is given (a 1×1 convolution, say, where
 * the body changes the shape).
 *
 *   gx = pullback body + pullback shortcut      ‖g‖² = ‖g_body‖² + ‖g_shortcut‖²
 *
 * Shapes     x [n, …] → y of the shape that both give
 * Cost       that of both
 * Errors     ShapeError where the two outputs differ in shape
 * Reference  He, Zhang, Ren, Sun 2016, arXiv:1512.03385
 *
 * @example
 * residual(sequential(linear(8), relu, linear(3))).init(key(0), [3]).output // => [3]
 */
export const residual: {
  <P extends Tree, C>(
    body: LayerRule<P, C>,
  ): LayerRule<ResidualParams<P, readonly []>, ParallelCache<readonly [C, readonly []]>>
  <P extends Tree, C, Q extends Tree, D>(
    body: LayerRule<P, C>,
    shortcut: LayerRule<Q, D>,
  ): LayerRule<ResidualParams<P, Q>, ParallelCache<readonly [C, D]>>
} = <P extends Tree, C>(body: LayerRule<P, C>, shortcut: LayerRule<Tree, unknown> = identity as never) =>
  around(body, shortcut) as never
