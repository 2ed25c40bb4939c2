/**
 * Pooling and padding, and what convolutions share: windows that slide over planes.
 *
 *   parameters = c, h, w, o, oh, ow, channels of a group, outputs of a group, kernel, stride, padding, dilation (each height,
 *   width), one more
 */
import { cells, p, type Shader } from '../shader.js'
import { ofBits } from './functions.js'

const names = [
  'c',
  'h',
  'w',
  'o',
  'oh',
  'ow',
  'group',
  'outputs',
  'kh',
  'kw',
  'sh',
  'sw',
  'ph',
  'pw',
  'dh',
  'dw',
] as const

/** Of so many numbers. */
export const GEOMETRY: number = names.length

/** The geometry as text: parameters, or the numbers themselves, for which a compiler makes better code. */
export type Geometry = Readonly<Record<(typeof names)[number], string>>
const geometryOf = (text: (i: number) => string): Geometry =>
  Object.fromEntries(names.map((name, i) => [name, text(i)])) as unknown as Geometry
export const anyGeometry: Geometry = geometryOf(p)
export const geometryOfNumbers = (numbers: readonly number[]): Geometry => geometryOf((i) => `${numbers[i] as number}`)

const { h, w, oh, ow, kh, kw, sh, sw, ph, pw, dh, dw } = anyGeometry

/** The cell [plane, row, column] of this thread. */
const cell = (height: string, width: string): string => `let line = quotient(index, ${width});
  let column = index - line * ${width};
  let plane = quotient(line, ${height});
  let row = line - plane * ${height};`

/** `each` for the pixels (y, x) of the window behind a cell. */
const overWindow = (each: string): string => `for (var u = 0; u < ${kh}; u++) {
    let y = row * ${sh} + u * ${dh} - ${ph};
    if (y < 0 || y >= ${h}) { continue; }
    for (var v = 0; v < ${kw}; v++) {
      let x = column * ${sw} + v * ${dw} - ${pw};
      if (x < 0 || x >= ${w}) { continue; }
      ${each}
    }
  }`

/** `each` for the windows (y, x) that hold a pixel. */
const overWindows = (each: string): string => `for (var u = 0; u < ${kh}; u++) {
    let fromY = row + ${ph} - u * ${dh};
    let y = quotient(fromY, ${sh});
    if (fromY < 0 || y >= ${oh} || y * ${sh} != fromY) { continue; }
    for (var v = 0; v < ${kw}; v++) {
      let fromX = column + ${pw} - v * ${dw};
      let x = quotient(fromX, ${sw});
      if (fromX < 0 || x >= ${ow} || x * ${sw} != fromX) { continue; }
      ${each}
    }
  }`

/** The largest of a window, or its place: NaN before everything, then the first of equals. */
const maxPool = (answer: 'best' | 'f32(place)'): string =>
  cells(
    answer,
    `${cell(oh, ow)}
  var best = 0.0;
  var place = 0;
  var found = false;
  var ended = false;
  ${overWindow(`let value = given[(plane * ${h} + y) * ${w} + x];
      let noNumber = isNan(value);
      if (!ended && (!found || value > best || noNumber)) { best = value; place = y * ${w} + x; }
      found = true;
      ended = ended || noNumber;`)}`,
    ofBits,
  )

/** Where the windows are known, few of them hold a pixel; the last parameter tells whether they are. */
const maxPool2dGrad = cells(
  'sum',
  `${cell(h, w)}
  let place = f32(row * ${w} + column);
  var sum = 0.0;
  if (${p(16)} > 0) {
    ${overWindows(`let at = (plane * ${oh} + y) * ${ow} + x; if (places[at] == place) { sum += gy[at]; }`)}
  } else {
    let count = ${oh} * ${ow};
    for (var k = plane * count; k < (plane + 1) * count; k++) { if (places[k] == place) { sum += gy[k]; } }
  }`,
)

const avgPool2d = cells(
  `sum / f32(${kh} * ${kw})`,
  `${cell(oh, ow)}\n  var sum = 0.0;\n  ${overWindow(`sum += given[(plane * ${h} + y) * ${w} + x];`)}`,
)

const avgPool2dGrad = cells(
  `sum / f32(${kh} * ${kw})`,
  `${cell(h, w)}\n  var sum = 0.0;\n  ${overWindows(`sum += gy[(plane * ${oh} + y) * ${ow} + x];`)}`,
)

/** parameters = h, w, top, left, height and width of the result. */
const pad2d = cells(
  'value',
  `${cell(p(4), p(5))}
  let y = row - ${p(2)};
  let x = column - ${p(3)};
  var value = 0.0;
  if (y >= 0 && y < ${p(0)} && x >= 0 && x < ${p(1)}) { value = a[(plane * ${p(0)} + y) * ${p(1)} + x]; }`,
)

const shader = (name: string, inputs: readonly string[], text: string): Shader => ({ name, inputs, body: () => text })

export type PoolKernel = 'maxPool2d' | 'argmax' | 'maxPool2dGrad' | 'avgPool2d' | 'avgPool2dGrad' | 'pad2d'

export const poolShaders: Readonly<Record<PoolKernel, Shader>> = {
  maxPool2d: shader('maxPool2d', ['given'], maxPool('best')),
  argmax: shader('argmax', ['given'], maxPool('f32(place)')),
  maxPool2dGrad: shader('maxPool2dGrad', ['gy', 'places'], maxPool2dGrad),
  avgPool2d: shader('avgPool2d', ['given'], avgPool2d),
  avgPool2dGrad: shader('avgPool2dGrad', ['gy'], avgPool2dGrad),
  pad2d: shader('pad2d', ['a'], pad2d),
}
