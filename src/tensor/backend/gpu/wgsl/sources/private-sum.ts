/**
 * From squared norms to the weights of samples.
 */
import { cells, p, real, type Shader } from '../shader.js'

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

export const privateSumShaders: Readonly<Record<'addPairs' | 'clipWeights', Shader>> = { addPairs, clipWeights }
