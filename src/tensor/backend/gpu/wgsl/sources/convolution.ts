/**
 * Convolution and its adjoints as products by tiles, whose operand is gathered from planes on the way; and one thread a cell where
 * a group has too few channels for a tile. Parameters are those of `planes.ts`.
 */
import { p, type Shader } from '../shader.js'
import { anyGeometry, GEOMETRY, type Geometry, geometryOfNumbers } from './planes.js'
import { COLUMNS, type Factors, INNER, nameOf, type Tile, tiled, untiled } from './tile.js'

export type Convolution = 'conv2d' | 'conv2dInputGrad' | 'conv2dPerSampleGrad' | 'conv2dWeightedGrad'

/** Channel, height and width of entry k of a weight [·, kh, kw]. */
const tap = ({ kh, kw }: Geometry, k: string): string => `let entry = quotient(${k}, ${kw});
  let v = ${k} - entry * ${kw};
  let channel = quotient(entry, ${kh});
  let u = entry - channel * ${kh};`

/** Plane, row and column of a number. */
const pixel = (of: string, height: string, width: string): string => `let line = quotient(${of}, ${width});
  let column = ${of} - line * ${width};
  let plane = quotient(line, ${height});
  let row = line - plane * ${height};`

/** The number of x that tap (channel, u, v) of the window at (row, column) sees in a sample. */
const seen = ({ c, h, w, group, sh, sw, ph, pw, dh, dw }: Geometry, sample: string, block: string): string => `
  let y = row * ${sh} + u * ${dh} - ${ph};
  let x = column * ${sw} + v * ${dw} - ${pw};
  if (y < 0 || y >= ${h} || x < 0 || x >= ${w}) { return 0.0; }
  return given[((${sample} * ${c} + ${block} * ${group} + channel) * ${h} + y) * ${w} + x];`

const left = (body: string): string =>
  `fn left(z : i32, m : i32, k : i32, end : i32) -> f32 {\n  if (k >= end) { return 0.0; }\n  ${body}\n}`
const right = (body: string): string =>
  `fn right(z : i32, k : i32, n : i32, end : i32) -> f32 {\n  if (k >= end) { return 0.0; }\n  ${body}\n}`

/** z = group, m = output of the group, k = tap, n = (sample, pixel of the output). */
const forward = (g: Geometry): string => `
${left(`if (m >= ${g.outputs}) { return 0.0; }
  return weight[(z * ${g.outputs} + m) * ${p(INNER)} + k];`)}
${right(`${tap(g, 'k')}
  ${pixel('n', g.oh, g.ow)}
  if (n >= ${p(COLUMNS)}) { return 0.0; }
  ${seen(g, 'plane', 'z')}`)}`

/** z = group, m = channel of the group, k = (output of the group, u, v), n = (sample, pixel of the input). */
const inputGrad = (g: Geometry): string => `
${left(`${tap(g, 'k')}
  if (m >= ${g.group}) { return 0.0; }
  return weight[(((z * ${g.outputs} + channel) * ${g.group} + m) * ${g.kh} + u) * ${g.kw} + v];`)}
${right(`${tap(g, 'k')}
  ${pixel('n', g.h, g.w)}
  if (n >= ${p(COLUMNS)}) { return 0.0; }
  let fromY = row + ${g.ph} - u * ${g.dh};
  let fromX = column + ${g.pw} - v * ${g.dw};
  let y = quotient(fromY, ${g.sh});
  let x = quotient(fromX, ${g.sw});
  if (fromY < 0 || fromX < 0 || y >= ${g.oh} || x >= ${g.ow} || y * ${g.sh} != fromY || x * ${g.sw} != fromX) { return 0.0; }
  return gy[((plane * ${g.o} + z * ${g.outputs} + channel) * ${g.oh} + y) * ${g.ow} + x];`)}`

/** z = (sample, group), m = output of the group, k = pixel of the output, n = tap. */
const perSampleGrad = (g: Geometry): string => `
${left(`if (m >= ${g.outputs}) { return 0.0; }
  return gy[(z * ${g.outputs} + m) * ${p(INNER)} + k];`)}
${right(`${tap(g, 'n')}
  if (n >= ${p(COLUMNS)}) { return 0.0; }
  let row = quotient(k, ${g.ow});
  let column = k - row * ${g.ow};
  let groups = quotient(${g.c}, ${g.group});
  let sample = quotient(z, groups);
  ${seen(g, 'sample', '(z - sample * groups)')}`)}`

/** z = group, m = output of the group, k = (sample, pixel of the output), n = tap. */
const weightedGrad = (g: Geometry): string => `
${left(`if (m >= ${g.outputs}) { return 0.0; }
  let pixels = ${g.oh} * ${g.ow};
  let sample = quotient(k, pixels);
  return weight[sample] * gy[(sample * ${g.o} + z * ${g.outputs} + m) * pixels + k - sample * pixels];`)}
${right(`${tap(g, 'n')}
  if (n >= ${p(COLUMNS)}) { return 0.0; }
  ${pixel('k', g.oh, g.ow)}
  ${seen(g, 'plane', 'z')}`)}`

/** Cells that are planes: [sample, channel of the group, pixel]. */
const inPlanes = (channels: string, group: string, height: string, width: string): string =>
  `place(z, m, n, ${channels}, ${group}, ${height} * ${width})`
const placing = `
fn place(z : i32, m : i32, n : i32, channels : i32, group : i32, pixels : i32) -> i32 {
  let sample = quotient(n, pixels);
  return (sample * channels + z * group + m) * pixels + n - sample * pixels;
}`
const inOrder = '(layer * rows + m) * columns + n'

const factorsOf = (kind: Convolution, g: Geometry): Factors => {
  switch (kind) {
    case 'conv2d':
      return {
        functions: `${placing}${forward(g)}
fn biasOf(channel : i32) -> f32 { if (${p(16)} > 0) { return bias[channel]; } return 0.0; }`,
        leftAlong: 'k',
        rightAlong: 'n',
        place: inPlanes(g.o, g.outputs, g.oh, g.ow),
        value: `sum + biasOf(z * ${g.outputs} + m)`,
      }
    case 'conv2dInputGrad':
      return {
        functions: placing + inputGrad(g),
        leftAlong: 'k',
        rightAlong: 'n',
        place: inPlanes(g.c, g.group, g.h, g.w),
      }
    case 'conv2dPerSampleGrad':
      return { functions: perSampleGrad(g), leftAlong: 'k', rightAlong: 'k', place: inOrder }
    case 'conv2dWeightedGrad':
      return { functions: weightedGrad(g), leftAlong: 'k', rightAlong: 'k', place: inOrder }
  }
}

/** The names that the functions above give to operands, in the order of `Backend`. */
const inputsOf: Readonly<Record<Convolution, readonly string[]>> = {
  conv2d: ['given', 'weight', 'bias'],
  conv2dInputGrad: ['gy', 'weight'],
  conv2dPerSampleGrad: ['given', 'gy'],
  conv2dWeightedGrad: ['given', 'gy', 'weight'],
}

/** With a tile, or one thread a cell; for the geometry of these numbers, or for any. */
export const convolutionShader = (kind: Convolution, tile: Tile | undefined, numbers?: readonly number[]): Shader => {
  const factors = (): Factors => factorsOf(kind, numbers === undefined ? anyGeometry : geometryOfNumbers(numbers))
  return {
    name: `${kind} ${tile === undefined ? 'untiled' : nameOf(tile)} ${numbers?.slice(0, GEOMETRY) ?? ''}`,
    inputs: inputsOf[kind],
    body: () => (tile === undefined ? untiled(factors()) : tiled(tile, factors())),
  }
}
