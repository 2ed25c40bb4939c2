/**
 * Products of matrices under any strides.
 *
 *   parameters = m, p, inner extent, then of each operand: offset, strides of batch, row and column
 */
import { cells, p, type Shader } from '../shader.js'
import { nameOf, type Tile, tiled } from './tile.js'

const factors = `
fn left(z : i32, m : i32, k : i32, end : i32) -> f32 {
  if (m < ${p(0)} && k < end) { return a[${p(3)} + z * ${p(4)} + m * ${p(5)} + k * ${p(6)}]; }
  return 0.0;
}
fn right(z : i32, k : i32, n : i32, end : i32) -> f32 {
  if (n < ${p(1)} && k < end) { return b[${p(7)} + z * ${p(8)} + k * ${p(9)} + n * ${p(10)}]; }
  return 0.0;
}`

/** Where the inner extent is cut, a sum of each cut, one after the other. */
export const tiledProduct = (tile: Tile, leftAlong: 'k' | 'm', rightAlong: 'k' | 'n'): Shader => ({
  name: `matmul ${nameOf(tile)} ${leftAlong}${rightAlong}`,
  inputs: ['a', 'b'],
  body: () => tiled(tile, { functions: factors, leftAlong, rightAlong, place: '(layer * rows + m) * columns + n' }),
})

/** One thread a cell, for so few terms that nothing is read twice from far. */
export const thinProduct: Shader = {
  name: 'thin matmul',
  inputs: ['a', 'b'],
  body: () =>
    cells(
      'sum',
      `let row = quotient(index, ${p(1)});
  let j = index - row * ${p(1)};
  let batch = quotient(row, ${p(0)});
  var here = ${p(3)} + batch * ${p(4)} + (row - batch * ${p(0)}) * ${p(5)};
  var there = ${p(7)} + batch * ${p(8)} + j * ${p(10)};
  var sum = 0.0;
  for (var k = 0; k < ${p(2)}; k++) {
    sum = fma(a[here], b[there], sum);
    here += ${p(6)};
    there += ${p(9)};
  }`,
    ),
}
