/**
 * Group normalisation by groups of threads. Statistics and sums are two vectors, one after the other; a row is a group of
 * channels of a sample.
 */
import { cells, groupIndex, LENGTH, p, real, type Shader } from '../shader.js'

/** `first`, then `second`, each of which is one sum or two over all threads; `thread` 0 answers. */
const summing = (threads: number, statements: string): string => `
var<workgroup> shared_ : array<vec2<f32>, ${threads}>;
fn total(thread : u32, own : vec2<f32>) -> vec2<f32> {
  shared_[thread] = own;
  for (var half = ${threads / 2}u; half > 0u; half = half >> 1u) {
    workgroupBarrier();
    if (thread < half) { shared_[thread] += shared_[thread + half]; }
  }
  workgroupBarrier();
  let sum = shared_[0];
  workgroupBarrier();
  return sum;
}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group : vec3<u32>, @builtin(local_invocation_index) thread : u32) {
  let index = ${groupIndex};
  let rows = ${p(LENGTH)};
  if (index >= rows) { return; }
  var own = vec2<f32>(0.0);
  ${statements}
}`

const over = (threads: number, count: string, each: string): string =>
  `for (var k = i32(thread); k < ${count}; k += ${threads}) { ${each} }`

/** Mean and inverse deviation of each row. parameters = numbers of a row, ε. */
export const groupStatistics = (threads: number): Shader => ({
  name: `groupStatistics ${threads}`,
  inputs: ['given'],
  body: () =>
    summing(
      threads,
      `let at = index * ${p(0)};
  ${over(threads, p(0), 'own.x += given[at + k];')}
  let mean = total(thread, own).x / f32(${p(0)});
  own = vec2<f32>(0.0);
  ${over(threads, p(0), 'let d = given[at + k] - mean; own.x = fma(d, d, own.x);')}
  let variance = total(thread, own).x / f32(${p(0)});
  if (thread == 0u) { out[index] = mean; out[rows + index] = 1.0 / sqrt(variance + ${real(1)}); }`,
    ),
})

/** parameters = numbers of a row, pixels, channels, start of means, start of inverse deviations, is there a scale, a shift */
const ofCell = `let row = quotient(index, ${p(0)});
  let plane = quotient(index, ${p(1)});
  let channel = plane - quotient(plane, ${p(2)}) * ${p(2)};
  let inverse = deviation[${p(4)} + row];
  let normalised = (given[index] - mean[${p(3)} + row]) * inverse;`

export const groupNormalised: Shader = {
  name: 'groupNormalised',
  inputs: ['given', 'mean', 'deviation', 'weight', 'bias'],
  body: () =>
    cells(
      'y',
      `${ofCell}
  var y = normalised;
  if (${p(5)} > 0) { y = y * weight[channel]; }
  if (${p(6)} > 0) { y = y + bias[channel]; }`,
    ),
}

/** Means over each row of the scaled cotangent, and of its product with what was normalised. parameters as above. */
export const groupMeans = (threads: number): Shader => ({
  name: `groupMeans ${threads}`,
  inputs: ['given', 'gy', 'mean', 'deviation', 'weight'],
  body: () =>
    summing(
      threads,
      `let at = index * ${p(0)};
  let centre = mean[${p(3)} + index];
  let inverse = deviation[${p(4)} + index];
  ${over(
    threads,
    p(0),
    `var scaled = gy[at + k];
    if (${p(5)} > 0) { let plane = quotient(at + k, ${p(1)}); scaled = scaled * weight[plane - quotient(plane, ${p(2)}) * ${p(2)}]; }
    own += vec2<f32>(scaled, scaled * ((given[at + k] - centre) * inverse));`,
  )}
  let sum = total(thread, own) / f32(${p(0)});
  if (thread == 0u) { out[index] = sum.x; out[rows + index] = sum.y; }`,
    ),
})

/** The cotangent of the input, with the means above. parameters as above, then rows. */
export const groupNormGrad: Shader = {
  name: 'groupNormGrad',
  inputs: ['given', 'gy', 'mean', 'deviation', 'weight', 'means'],
  body: () =>
    cells(
      '((scaled - means[row]) - normalised * means[word(7) + row]) * inverse',
      `${ofCell}
  var scaled = gy[index];
  if (${p(5)} > 0) { scaled = scaled * weight[channel]; }`,
    ),
}

/** Σ gy x̂ and Σ gy over the pixels of each channel. parameters = pixels, channels of a group, start of means, of inverse deviations */
export const channelSums = (threads: number): Shader => ({
  name: `channelSums ${threads}`,
  inputs: ['given', 'gy', 'mean', 'deviation'],
  body: () =>
    summing(
      threads,
      `let at = index * ${p(0)};
  let row = quotient(index, ${p(1)});
  let centre = mean[${p(2)} + row];
  let inverse = deviation[${p(3)} + row];
  ${over(threads, p(0), 'own += vec2<f32>(gy[at + k] * ((given[at + k] - centre) * inverse), gy[at + k]);')}
  let sum = total(thread, own);
  if (thread == 0u) { out[index] = sum.x; out[rows + index] = sum.y; }`,
    ),
})
