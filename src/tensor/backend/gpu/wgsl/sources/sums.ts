/**
 * Sums and inner products by groups of threads: each adds up terms that lie a group apart, and halves are added to halves.
 */
import { cells, groupIndex, LENGTH, p, type Shader, ZERO } from '../shader.js'

/** `each` for the terms k = thread, thread + threads, … of this group, which are `count` from `at`; then a tree over `state`. */
export const reduction = (
  threads: number,
  state: { readonly type: string; readonly zero: string; readonly join: string },
  ofGroup: string,
  each: string,
  answer: string,
): string => `
var<workgroup> shared_ : array<${state.type}, ${threads}>;
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group : vec3<u32>, @builtin(local_invocation_index) thread : u32) {
  let index = ${groupIndex};
  if (index >= ${p(LENGTH)}) { return; }
  ${ofGroup}
  var sum = ${state.zero};
  for (var k = i32(thread); k < count; k += ${threads}) { ${each} }
  shared_[thread] = sum;
  for (var half = ${threads / 2}u; half > 0u; half = half >> 1u) {
    workgroupBarrier();
    if (thread < half) {
      let other = shared_[thread + half];
      ${state.join}
      shared_[thread] = sum;
    }
  }
  if (thread == 0u) { ${answer} }
}`

/** The part of a row that a group adds up. parameters = length of a row, length of a part, parts of a row. */
const partOfRow = `let row = quotient(index, ${p(2)});
  let part = index - row * ${p(2)};
  let start = part * ${p(1)};
  let count = min(${p(1)}, ${p(0)} - start);
  let at = row * ${p(0)} + start;`

const plain = { type: 'f32', zero: '0.0', join: 'sum += other;' }

export const partSums = (threads: number): Shader => ({
  name: `partSums ${threads}`,
  inputs: ['a'],
  body: () => reduction(threads, plain, partOfRow, 'sum += a[at + k];', 'out[index] = sum;'),
})

/** The same for few terms, one thread a sum. */
export const shortSums: Shader = {
  name: 'shortSums',
  inputs: ['a'],
  body: () => cells('sum', `${partOfRow}\n  var sum = 0.0;\n  for (var k = 0; k < count; k++) { sum += a[at + k]; }`),
}

/**
 * A sum of two floats carries the digits that one alone would lose: s + e = high + h without error (Knuth), x y = h + l without
 * error (Dekker; the digits are split by their bits). A compiler may regroup floats, and fuse a product with a sum, but not
 * across an exclusive or with a word that it does not know, which \`exactly\` puts after each operation that must be rounded alone.
 */
export const pairs: string = `
fn exactly(x : f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ u32(${p(ZERO)})); }
fn headOf(x : f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u); }
fn added(sum : vec2<f32>, h : f32, l : f32) -> vec2<f32> {
  let s = exactly(sum.x + h);
  let v = exactly(s - sum.x);
  let lost = exactly(sum.x - exactly(s - v)) + exactly(h - v);
  let e = exactly(sum.y + exactly(lost + l));
  let high = exactly(s + e);
  return vec2<f32>(high, exactly(e - exactly(high - s)));
}
fn addedProduct(sum : vec2<f32>, x : f32, y : f32) -> vec2<f32> {
  let h = exactly(x * y);
  let xh = headOf(x);
  let xl = exactly(x - xh);
  let yh = headOf(y);
  let yl = exactly(y - yh);
  let first = exactly(h - exactly(xh * yh));
  let second = exactly(first - exactly(xl * yh));
  let third = exactly(second - exactly(xh * yl));
  return added(sum, h, exactly(exactly(xl * yl) - third));
}`

export const pair = { type: 'vec2<f32>', zero: 'vec2<f32>(0.0)', join: 'sum = added(sum, other.x, other.y);' }
const asPair = 'out[2 * index] = sum.x; out[2 * index + 1] = sum.y;'

/** Inner products of the parts of rows, each as high and low. */
export const partDots = (threads: number): Shader => ({
  name: `partDots ${threads}`,
  inputs: ['a', 'b'],
  body: () => pairs + reduction(threads, pair, partOfRow, 'sum = addedProduct(sum, a[at + k], b[at + k]);', asPair),
})

/** Sums of so many pairs each, as pairs. parameters = pairs of a row. */
export const pairSums: Shader = {
  name: 'pairSums',
  inputs: ['a'],
  body: () =>
    pairs +
    reduction(
      64,
      pair,
      `let count = ${p(0)}; let at = index * count;`,
      'sum = added(sum, a[2 * (at + k)], a[2 * (at + k) + 1]);',
      asPair,
    ),
}

/** Terms of a sum over rows: with a weight, or as they are. */
const term = {
  weighted: 'sum = fma(weight[n], a[n * columns + column], sum);',
  plain: 'sum += a[n * columns + column];',
} as const

/**
 * Sums over some rows of each column. parameters = rows, length of a row, rows of a part; the result has as many rows as parts.
 */
export const rowSums = (kind: keyof typeof term): Shader => ({
  name: `rowSums ${kind}`,
  inputs: kind === 'plain' ? ['a'] : ['weight', 'a'],
  body: () =>
    cells(
      'sum',
      `let columns = ${p(1)};
  let part = quotient(index, columns);
  let column = index - part * columns;
  let end = min(${p(0)}, (part + 1) * ${p(2)});
  var sum = 0.0;
  for (var n = part * ${p(2)}; n < end; n++) { ${term[kind]} }`,
    ),
})

/** parameters = length of a row, the smallest normal number. */
export const scaleRows: Shader = {
  name: 'scaleRows',
  inputs: ['weight', 'a'],
  body: () =>
    cells('select(y, 0.0, abs(y) < bitcast<f32>(0x00800000u))', `let y = weight[quotient(index, ${p(0)})] * a[index];`),
}
