/**
 * Convolution, pooling and padding: what slides over planes. Every cell of a result gathers what it is made of.
 *
 *   parameters = c, h, w, o, oh, ow, channels of a group, outputs of a group, kernel, stride, padding, dilation (each height,
 *   width), one more
 */

/** The cell [n, of, height, width] of this thread, and the geometry. */
const cell = (channels: string, height: string, width: string): string => `
  const c = p[0];
  const h = p[1];
  const w = p[2];
  const o = p[3];
  const oh = p[4];
  const ow = p[5];
  const group = p[6];
  const outputs = p[7];
  const kh = p[8];
  const kw = p[9];
  const sh = p[10];
  const sw = p[11];
  const ph = p[12];
  const pw = p[13];
  const dh = p[14];
  const dw = p[15];
  const line = quotient(real(this.thread.x), ${width});
  const column = this.thread.x - line * ${width};
  const plane = quotient(line, ${height});
  const row = line - plane * ${height};
  const n = quotient(plane, ${channels});
  const channel = plane - n * ${channels};`

/** p[16] tells whether there is a bias. */
const conv2d = `function (x, weight, bias, p) {${cell('o', 'oh', 'ow')}
  const first = quotient(channel, outputs) * group;
  let sum = 0;
  for (let i = 0; i < group; i++) {
    for (let u = 0; u < kh; u++) {
      const y = row * sh + u * dh - ph;
      if (y >= 0 && y < h) {
        for (let v = 0; v < kw; v++) {
          const z = column * sw + v * dw - pw;
          if (z >= 0 && z < w) {
            sum += x[((n * c + first + i) * h + y) * w + z] * weight[((channel * group + i) * kh + u) * kw + v];
          }
        }
      }
    }
  }
  if (p[16] > 0) { sum += bias[channel]; }
  return sum;
}`

/** The position in the output that tap \`tap\` takes to this place, as \`name\`; \`name\`Fits tells whether there is one. */
const source = (name: string, from: string, by: string, extent: string): string => `
      const ${name}From = ${from};
      const ${name} = quotient(${name}From, ${by});
      const ${name}Fits = ${name}From >= 0 && ${name} < ${extent} && ${name}From - ${name} * ${by} < 0.5;`

const conv2dInputGrad = `function (gy, weight, p) {${cell('c', 'h', 'w')}
  const block = quotient(channel, group);
  const i = channel - block * group;
  let sum = 0;
  for (let u = 0; u < kh; u++) {${source('y', 'row + ph - u * dh', 'sh', 'oh')}
      if (yFits) {
        for (let v = 0; v < kw; v++) {${source('z', 'column + pw - v * dw', 'sw', 'ow')}
          if (zFits) {
            for (let j = 0; j < outputs; j++) {
              const out = block * outputs + j;
              sum += gy[((n * o + out) * oh + y) * ow + z] * weight[((out * group + i) * kh + u) * kw + v];
            }
          }
        }
      }
  }
  return sum;
}`

/** The gradient of one weight in one sample: this thread is [n, out, i, u, v]. */
const weightCell = `
  const tap = quotient(real(this.thread.x), kw);
  const v = this.thread.x - tap * kw;
  const entry = quotient(tap, kh);
  const u = tap - entry * kh;
  const pair = quotient(entry, group);
  const i = entry - pair * group;`

const overPositions = (n: string): string => `
    for (let y = 0; y < oh; y++) {
      const from = y * sh + u * dh - ph;
      if (from >= 0 && from < h) {
        for (let z = 0; z < ow; z++) {
          const at = z * sw + v * dw - pw;
          if (at >= 0 && at < w) {
            own += x[((${n} * c + first + i) * h + from) * w + at] * gy[((${n} * o + out) * oh + y) * ow + z];
          }
        }
      }
    }`

const geometryOnly = cell('o', 'oh', 'ow').split('\n  const line')[0] as string

const conv2dPerSampleGrad = `function (x, gy, p) {${geometryOnly}${weightCell}
  const n = quotient(pair, o);
  const out = pair - n * o;
  const first = quotient(out, outputs) * group;
  let own = 0;${overPositions('n')}
  return own;
}`

/** p[16] is the number of samples. */
const conv2dWeightedGrad = `function (x, gy, weight, p) {${geometryOnly}${weightCell}
  const out = pair;
  const first = quotient(out, outputs) * group;
  let sum = 0;
  for (let n = 0; n < p[16]; n++) {
    let own = 0;${overPositions('n')}
    sum += weight[n] * own;
  }
  return sum;
}`

/** The largest of a window, or its place: NaN before everything, then the first of equals. */
const maxPool = (answer: 'best' | 'place'): string => `function (x, p) {${cell('c', 'oh', 'ow')}
  let best = 0;
  let place = 0;
  let found = 0;
  for (let u = 0; u < kh; u++) {
    const y = row * sh + u * dh - ph;
    if (y >= 0 && y < h) {
      for (let v = 0; v < kw; v++) {
        const z = column * sw + v * dw - pw;
        if (z >= 0 && z < w) {
          const value = x[(plane * h + y) * w + z];
          let better = 0;
          if (value > best || found < 0.5) { better = 1; }
          let isNumber = 0;
          if (value >= 0 || value < 0) { isNumber = 1; }
          if (isNumber < 0.5) { better = 1; }
          if (found > 1.5) { better = 0; }
          if (better > 0.5) {
            best = value;
            place = y * w + z;
          }
          if (found < 0.5) { found = 1; }
          if (isNumber < 0.5) { found = 2; }
        }
      }
    }
  }
  return ${answer};
}`

/** Where the windows are known, few of them hold a pixel; p[16] tells whether they are. */
const maxPool2dGrad = `function (gy, argmax, p) {${cell('c', 'h', 'w')}
  const place = row * w + column;
  let sum = 0;
  if (p[16] > 0) {
    for (let u = 0; u < kh; u++) {${source('y', 'row + ph - u * dh', 'sh', 'oh')}
      if (yFits) {
        for (let v = 0; v < kw; v++) {${source('z', 'column + pw - v * dw', 'sw', 'ow')}
          if (zFits) {
            const at = (plane * oh + y) * ow + z;
            if (Math.abs(argmax[at] - place) < 0.5) { sum += gy[at]; }
          }
        }
      }
    }
  } else {
    for (let k = 0; k < oh * ow; k++) {
      const at = plane * oh * ow + k;
      if (Math.abs(argmax[at] - place) < 0.5) { sum += gy[at]; }
    }
  }
  return sum;
}`

const avgPool2d = `function (x, p) {${cell('c', 'oh', 'ow')}
  let sum = 0;
  for (let u = 0; u < kh; u++) {
    const y = row * sh + u * dh - ph;
    if (y >= 0 && y < h) {
      for (let v = 0; v < kw; v++) {
        const z = column * sw + v * dw - pw;
        if (z >= 0 && z < w) { sum += x[(plane * h + y) * w + z]; }
      }
    }
  }
  return sum / (kh * kw);
}`

const avgPool2dGrad = `function (gy, p) {${cell('c', 'h', 'w')}
  let sum = 0;
  for (let u = 0; u < kh; u++) {${source('y', 'row + ph - u * dh', 'sh', 'oh')}
      if (yFits) {
        for (let v = 0; v < kw; v++) {${source('z', 'column + pw - v * dw', 'sw', 'ow')}
          if (zFits) { sum += gy[(plane * oh + y) * ow + z]; }
        }
      }
  }
  return sum / (kh * kw);
}`

/** parameters = h, w, top, left, height and width of the result. */
const pad2d = `function (x, p) {
  const line = quotient(real(this.thread.x), p[5]);
  const plane = quotient(line, p[4]);
  const row = line - plane * p[4] - p[2];
  const column = this.thread.x - line * p[5] - p[3];
  let value = 0;
  if (row >= 0 && row < p[0] && column >= 0 && column < p[1]) { value = x[(plane * p[0] + row) * p[1] + column]; }
  return value;
}`

export type PlaneKernel =
  | 'conv2d'
  | 'conv2dInputGrad'
  | 'conv2dPerSampleGrad'
  | 'conv2dWeightedGrad'
  | 'maxPool2d'
  | 'argmax'
  | 'maxPool2dGrad'
  | 'avgPool2d'
  | 'avgPool2dGrad'
  | 'pad2d'

export const planeSources: Readonly<Record<PlaneKernel, string>> = {
  conv2d,
  conv2dInputGrad,
  conv2dPerSampleGrad,
  conv2dWeightedGrad,
  maxPool2d: maxPool('best'),
  argmax: maxPool('place'),
  maxPool2dGrad,
  avgPool2d,
  avgPool2dGrad,
  pad2d,
}
