/**
 * From per-sample gradients to a sum that noise protects, without a number leaving the device.
 */
import { addNormals } from './threefry.js'

/** total[n] + high[n] + low[n]. parameters = 2: a pair is two numbers. */
const addPairs = `function (total, pairs, p) {
  return total[this.thread.x] + (pairs[p[0] * this.thread.x] + pairs[p[0] * this.thread.x + 1]);
}`

/**
 * The weight of each sample by its squared norm; 0 where that is no number, or too large for one.
 *
 *   s = √(room · square + floor)      w = min(C / (s + γ) or 1, most / s)
 *
 * parameters = 1 for C / (s + γ), 0 for 1; C; γ; most; room; floor; largest square
 */
const clipWeights = `function (squares, p) {
  const square = squares[this.thread.x];
  let weight = 0;
  if (square >= 0 && square <= p[6]) {
    const s = Math.sqrt(square * p[4] + p[5]);
    const most = p[3] / s;
    weight = 1;
    if (p[0] > 0.5) { weight = p[1] / (s + p[2]); }
    if (weight > most) { weight = most; }
  }
  return weight;
}`

/** Σₙ wₙ aₙ over the samples with a weight: 0 · NaN never reaches it. parameters = rows, length of a row. */
const clippedRowSum = `function (weight, a, p) {
  let sum = 0;
  for (let n = 0; n < p[0]; n++) {
    const w = weight[n];
    if (w > 0) { sum += w * a[n * p[1] + this.thread.x]; }
  }
  return sum;
}`

/** a, then b. parameters = length of a. */
const join = `function (a, b, p) {
  let value = 0;
  if (this.thread.x < p[0]) { value = a[this.thread.x]; } else { value = b[this.thread.x - p[0]]; }
  return value;
}`

export type PrivateSumKernel = 'addPairs' | 'clipWeights' | 'clippedRowSum' | 'addNormals' | 'join'

export const privateSumSources: Readonly<Record<PrivateSumKernel, string>> = {
  addPairs,
  clipWeights,
  clippedRowSum,
  addNormals,
  join,
}
