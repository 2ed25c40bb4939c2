/**
 * Kernels over several tensors at once, the leaves of a tree: a launch costs as much as a thousand numbers.
 */
import { cells, p, real, type Shader } from '../shader.js'
import { ofVariates } from './functions.js'
import { pair, pairs, reduction } from './sums.js'

const names = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `a${i}`)

/** Number \`at\` of a leaf. */
const numberOf = (count: number): string => `
fn numberOf(leaf : i32, at : i32) -> f32 {
  switch leaf {
    ${names(count - 1)
      .map((name, i) => `case ${i} { return ${name}[at]; }`)
      .join('\n    ')}
    default { return a${count - 1}[at]; }
  }
}`

/** In which leaf \`rest\` is, if leaf i has as many as parameter \`first + step i\`; what is left of it is the place there. */
const leafOf = (count: number, first: number, step: number): string => `var leaf = 0;
  for (var i = 0; i < ${count - 1}; i++) {
    let many = word(${first} + ${step} * leaf);
    if (rest < many) { break; }
    rest -= many;
    leaf++;
  }`

/**
 * Squared lengths of the parts of rows, each as high and low.
 * parameters = parts of a row of all leaves, first of them here, as many as are here, numbers of a part; then of each leaf: parts, length
 */
export const squaresOfParts = (count: number): Shader => ({
  name: `squaresOfParts ${count}`,
  inputs: names(count),
  body: () =>
    pairs +
    numberOf(count) +
    reduction(
      256,
      pair,
      `let row = quotient(index, ${p(2)});
  let part = index - row * ${p(2)};
  var rest = part;
  ${leafOf(count, 4, 2)}
  let length = word(5 + 2 * leaf);
  let start = rest * ${p(3)};
  let count = min(${p(3)}, length - start);
  let at = row * length + start;`,
      'let x = numberOf(leaf, at + k); sum = addedProduct(sum, x, x);',
      `let place = 2 * (row * ${p(0)} + ${p(1)} + part); out[place] = sum.x; out[place + 1] = sum.y;`,
    ),
})

/** Sums of so many pairs each, as one number. parameters = pairs of a row. */
export const pairTotals: Shader = {
  name: 'pairTotals',
  inputs: ['a'],
  body: () =>
    pairs +
    reduction(
      64,
      pair,
      `let count = ${p(0)}; let at = index * count;`,
      'sum = added(sum, a[2 * (at + k)], a[2 * (at + k) + 1]);',
      'out[index] = sum.x + sum.y;',
    ),
}

/**
 * Σₙ wₙ aₙ over the samples with a weight: 0 · NaN never reaches it. One line of the result for each part of the rows.
 * parameters = rows, rows of a part, length of a line, start in it, numbers of it here; then the length of a row of each leaf
 */
export const clippedRowSums = (count: number): Shader => ({
  name: `clippedRowSums ${count}`,
  inputs: ['weight', ...names(count)],
  body: () =>
    cells(
      'sum',
      `let part = quotient(index, ${p(4)});
  let column = index - part * ${p(4)};
  var rest = column;
  ${leafOf(count, 5, 1)}
  let length = word(5 + leaf);
  let end = min(${p(0)}, (part + 1) * ${p(1)});
  var sum = 0.0;
  for (var n = part * ${p(1)}; n < end; n++) {
    let w = weight[n];
    if (w > 0.0) { sum = fma(w, numberOf(leaf, n * length + rest), sum); }
  }`,
      numberOf(count),
      `part * ${p(2)} + ${p(3)} + column`,
    ),
})

/** One leaf after the other. parameters = start in the result, then the length of each leaf. */
export const join = (count: number): Shader => ({
  name: `join ${count}`,
  inputs: names(count),
  body: () =>
    cells('numberOf(leaf, rest)', `var rest = index;\n  ${leafOf(count, 1, 1)}`, numberOf(count), `${p(0)} + index`),
})

const rotations = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const

const rounds = Array.from({ length: 5 }, (_, group) => {
  const mixed = (rotations[group % 2] as readonly number[]).map(
    (r) => `x += y; y = ((y << ${r}u) | (y >> ${32 - r}u)) ^ x;`,
  )
  return `${mixed.join(' ')} x += k${(group + 1) % 3}; y += k${(group + 2) % 3} + ${group + 1}u;`
}).join('\n  ')

/** Keys that a launch is given. */
export const STREAMS = 19

/**
 * x + deviation · variate, with a key for each leaf of a vector.
 *
 *   variate i = ∓ Φ⁻¹((k + ½) / 2⁶⁴) for the 63-bit integer k and the sign of block(key, i) of Threefry-2x32
 *
 * parameters = start in the vector, leaves, deviation; then of each leaf: length, the words of its key
 *
 * References  Salmon, Moraes, Dror, Shaw 2011 (Random123); Wichura 1988, "Algorithm AS 241", PPND7
 */
export const addNormals: Shader = {
  name: 'addNormals',
  inputs: ['a'],
  body: () =>
    cells(
      `fma(${real(2)}, z, a[${p(0)} + index])`,
      `var rest = index;
  var leaf = 0;
  while (leaf < ${p(1)} - 1 && rest >= word(3 + 3 * leaf)) { rest -= word(3 + 3 * leaf); leaf++; }
  let k0 = u32(word(4 + 3 * leaf));
  let k1 = u32(word(5 + 3 * leaf));
  let k2 = k0 ^ k1 ^ 0x1bd11bdau;
  var x = k0;
  var y = k1 + u32(rest);
  ${rounds}
  let low = (f32(y) + 0.5) * 5.42101086e-20;
  let positive = (x & 0x80000000u) != 0u;
  x = x & 0x7fffffffu;
  let middle = f32(0x80000000u - x) * 2.32830644e-10 - low;
  var z = 0.0;
  if (middle <= 0.425) { z = inverseCentre(middle); } else { z = inverseTail(f32(x) * 2.32830644e-10 + low); }
  if (!positive) { z = -z; }`,
      ofVariates,
      `${p(0)} + index`,
    ),
}
