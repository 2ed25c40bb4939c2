/**
 * Standard normal variates from Threefry-2x32, the same words as on the host: numbers of 32 bits in two floats of 16 bits each,
 * since that is all that every mode has.
 *
 *   variate i = ∓ Φ⁻¹((k + ½) / 2⁶⁴) for the 63-bit integer k and the sign of block(key, i)
 *
 * References  Salmon, Moraes, Dror, Shaw 2011 (Random123); Wichura 1988, "Algorithm AS 241", PPND7
 */

/** 2⁻¹⁶, of which every shading language knows all digits. */
const DOWN = '0.0000152587890625'

const rotations = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const

/** (ah, al) += (bh, bl), modulo 2³². */
const add = (a: string, bh: string, bl: string): string => `
  low = ${a}l + ${bl};
  ${a}h = ${a}h + ${bh};
  if (low >= 65536) { low = low - 65536; ${a}h = ${a}h + 1; }
  if (${a}h >= 65536) { ${a}h = ${a}h - 65536; }
  ${a}l = low;`

/** (yh, yl) rotated to the left, then exclusive or with (xh, xl). */
const mix = (rotation: number): string => {
  const [high, low] = rotation >= 16 ? ['yl', 'yh'] : ['yh', 'yl']
  const factor = 2 ** (rotation % 16)
  return `${add('x', 'yh', 'yl')}
  high = rotated(${high}, ${low}, ${factor});
  low = rotated(${low}, ${high}, ${factor});
  yh = exclusiveOr(high, xh);
  yl = exclusiveOr(low, xl);`
}

const rounds = Array.from({ length: 5 }, (_, group) => {
  const [a, b] = [(group + 1) % 3, (group + 2) % 3]
  const keys = `${add('x', `k${a}h`, `k${a}l`)}${add('y', `k${b}h`, `k${b}l`)}${add('y', '0', `${group + 1}`)}`
  return (rotations[group % 2] as readonly number[]).map(mix).join('') + keys
}).join('')

/**
 * x + deviation · variate. parameters = key (high and low half of each word), deviation.
 */
export const addNormals: string = `function (a, p) {
  const k0h = p[0];
  const k0l = p[1];
  const k1h = p[2];
  const k1l = p[3];
  const k2h = exclusiveOr(exclusiveOr(k0h, k1h), 7121);
  const k2l = exclusiveOr(exclusiveOr(k0l, k1l), 7130);
  const counter = real(this.thread.x);
  let high = Math.floor(counter * ${DOWN});
  let low = 0;
  let xh = k0h;
  let xl = k0l;
  let yh = k1h;
  let yl = k1l;${add('y', 'high', '(counter - high * 65536)')}${rounds}
  let positive = 0;
  if (xh >= 32768) { positive = 1; xh = xh - 32768; }
  let z = inverseTail(((xh * 65536 + xl) + (yh * 65536 + yl + 0.5) * ${DOWN} * ${DOWN}) * ${DOWN} * ${DOWN});
  const middle = ((32768 - xh) * 65536 - xl - (yh * 65536 + yl + 0.5) * ${DOWN} * ${DOWN}) * ${DOWN} * ${DOWN};
  if (middle <= 0.425) { z = inverseCentre(middle); }
  if (positive < 0.5) { z = -z; }
  return a[this.thread.x] + p[4] * z;
}`
