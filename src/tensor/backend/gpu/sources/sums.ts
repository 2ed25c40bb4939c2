/**
 * Products of matrices, sums and weighted rows.
 */

/** parameters = m, p, inner extent, then of each operand: offset, strides of batch, row and column. */
const matmul = `function (a, b, p) {
  const m = p[0];
  const columns = p[1];
  const inner = p[2];
  const row = quotient(real(this.thread.x), columns);
  const j = this.thread.x - row * columns;
  const batch = quotient(row, m);
  const i = row - batch * m;
  const left = p[3] + batch * p[4] + i * p[5];
  const right = p[7] + batch * p[8] + j * p[10];
  const stepLeft = p[6];
  const stepRight = p[9];
  let sum = 0;
  for (let k = 0; k < inner; k++) { sum += a[left + k * stepLeft] * b[right + k * stepRight]; }
  return sum;
}`

/** Sums of the parts of rows. parameters = length of a row, length of a part, parts of a row. */
const partSums = `function (a, p) {
  const row = quotient(real(this.thread.x), p[2]);
  const part = this.thread.x - row * p[2];
  const start = part * p[1];
  let count = p[1];
  if (count > p[0] - start) { count = p[0] - start; }
  const at = row * p[0] + start;
  let sum = 0;
  for (let k = 0; k < count; k++) { sum += a[at + k]; }
  return sum;
}`

/**
 * A sum of two floats carries the digits that one alone would lose: s + e = high + h without error (Knuth). Where arithmetic is
 * in float64, e is 0, and the digits are split at the end.
 *
 * Drivers of GPUs may calculate with sums as if they were exact, and take (high + h) − high for h: NVIDIA's does. What is
 * rounded is therefore multiplied by a number that is 1, of which the compiler knows nothing.
 */
const accumulate = (term: string, rest = '0'): string => `
    h = ${term};
    s = (high + h) * one;
    v = (s - high) * one;
    e = low + ((high - (s - v)) + (h - v) + ${rest});
    high = (s + e) * one;
    low = e - (high - s);`

const registers = `
  let high = 0;
  let low = 0;
  let h = 0;
  let s = 0;
  let v = 0;
  let e = 0;`

/** A factor as a sum of two of 12 bits (Veltkamp, Dekker): 4096 x is exact, so that a fused multiply-add changes nothing. */
const halvesOf = (x: string): string => `
    const ${x}t = (4096 * ${x} + ${x}) * one;
    const ${x}r = (${x}t - ${x}) * one;
    const ${x}h = ${x}t - ${x}r;
    const ${x}l = ${x} - ${x}h;`

const split = `
  const total = (high + low) * one;
  const z = (total - high) * one;
  const rounded = Math.fround(total);
  let answer = rounded;
  if (which > 0.5) { answer = (total - rounded) + ((high - (total - z)) + (low - z)); }
  return answer;`

/**
 * Inner products of the parts of rows, each as high and low. Compilers may fuse a product with the sum that it goes into, and GPUs
 * do: only products without a rounding error go into a sum of two floats, for which that makes no difference.
 * parameters as of partSums, then 1.
 */
const partDots = `function (a, b, p) {
  const pair = quotient(real(this.thread.x), 2);
  const which = this.thread.x - pair * 2;
  const row = quotient(pair, p[2]);
  const part = pair - row * p[2];
  const start = part * p[1];
  let count = p[1];
  if (count > p[0] - start) { count = p[0] - start; }
  const at = row * p[0] + start;
  const one = p[3];${registers}
  for (let k = 0; k < count; k++) {
    const x = a[at + k];
    const y = b[at + k];${halvesOf('x')}${halvesOf('y')}${accumulate('xh * yh')}${accumulate('xh * yl')}${accumulate('xl * yh', 'xl * yl')}
  }${split}
}`

/** Sums of so many pairs each, as pairs. parameters = pairs of a row, 1. */
const pairSums = `function (a, p) {
  const row = quotient(real(this.thread.x), 2);
  const which = this.thread.x - row * 2;
  const at = row * p[0] * 2;
  const one = p[1];${registers}
  for (let k = 0; k < p[0]; k++) {${accumulate('a[at + 2 * k]', 'a[at + 2 * k + 1]')}
  }${split}
}`

/** parameters = rows, length of a row. */
const weightedRowSum = `function (weight, a, p) {
  let sum = 0;
  for (let n = 0; n < p[0]; n++) { sum += weight[n] * a[n * p[1] + this.thread.x]; }
  return sum;
}`

/** parameters = length of a row, the smallest normal number. */
const scaleRows = `function (weight, a, p) {
  const n = quotient(real(this.thread.x), p[0]);
  const y = weight[n] * a[this.thread.x];
  return Math.abs(y) < p[1] ? 0 : y;
}`

export type SumKernel = 'matmul' | 'partSums' | 'partDots' | 'pairSums' | 'weightedRowSum' | 'scaleRows'

export const sumSources: Readonly<Record<SumKernel, string>> = {
  matmul,
  partSums,
  partDots,
  pairSums,
  weightedRowSum,
  scaleRows,
}
