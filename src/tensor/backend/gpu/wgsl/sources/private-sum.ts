/**
 * From per-sample gradients to a sum that noise protects, without a number leaving the device.
 *
 *   variate i = ∓ Φ⁻¹((k + ½) / 2⁶⁴) for the 63-bit integer k and the sign of block(key, i) of Threefry-2x32
 *
 * References  Salmon, Moraes, Dror, Shaw 2011 (Random123); Wichura 1988, "Algorithm AS 241", PPND7
 */
import { cells, p, real, type Shader } from '../shader.js'
import { ofVariates } from './functions.js'

/** total[n] + high[n] + low[n]. parameters = 2: a pair is two numbers. */
const addPairs: Shader = {
  name: 'addPairs',
  inputs: ['total', 'pairs'],
  body: () => cells('total[index] + (pairs[2 * index] + pairs[2 * index + 1])'),
}

/**
 * The weight of each sample by its squared norm; 0 where that is no number, or too large for one: told by its bits, which grow
 * with a number from 0 on, past the infinity to NaN, and are larger still below 0.
 *
 *   s = √(room · square + floor)      w = min(C / (s + γ) or 1, most / s)
 *
 * parameters = 1 for C / (s + γ), 0 for 1; C; γ; most; room; floor; largest square
 */
const clipWeights: Shader = {
  name: 'clipWeights',
  inputs: ['squares'],
  body: () =>
    cells(
      'weight',
      `let square = squares[index];
  var weight = 0.0;
  if (bitcast<u32>(square) <= u32(${p(6)})) {
    let s = sqrt(fma(square, ${real(4)}, ${real(5)}));
    weight = 1.0;
    if (${real(0)} > 0.5) { weight = ${real(1)} / (s + ${real(2)}); }
    weight = min(weight, ${real(3)} / s);
  }`,
    ),
}

/** a, then b. parameters = length of a. */
const join: Shader = {
  name: 'join',
  inputs: ['a', 'b'],
  body: () =>
    cells(
      'value',
      `var value = 0.0;
  if (index < ${p(0)}) { value = a[index]; } else { value = b[index - ${p(0)}]; }`,
    ),
}

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

/** x + deviation · variate. parameters = the words of the key, deviation. */
const addNormals: Shader = {
  name: 'addNormals',
  inputs: ['a'],
  body: () =>
    cells(
      `fma(${real(2)}, z, a[index])`,
      `let k0 = u32(${p(0)});
  let k1 = u32(${p(1)});
  let k2 = k0 ^ k1 ^ 0x1bd11bdau;
  var x = k0;
  var y = k1 + u32(index);
  ${rounds}
  let low = (f32(y) + 0.5) * 5.42101086e-20;
  let positive = (x & 0x80000000u) != 0u;
  x = x & 0x7fffffffu;
  let middle = f32(0x80000000u - x) * 2.32830644e-10 - low;
  var z = 0.0;
  if (middle <= 0.425) { z = inverseCentre(middle); } else { z = inverseTail(f32(x) * 2.32830644e-10 + low); }
  if (!positive) { z = -z; }`,
      ofVariates,
    ),
}

export const privateSumShaders: Readonly<Record<'addPairs' | 'clipWeights' | 'join' | 'addNormals', Shader>> = {
  addPairs,
  clipWeights,
  join,
  addNormals,
}
