/**
 * Functions of one number and of two, over strided views.
 *
 *   parameters = axes, offset of each operand, then from the innermost axis outwards: extent, stride in each operand
 */
import type { BinaryOp, UnaryOp } from '../../backend.js'

/** f(x) for x = a[…]. */
const overOne = (expression: string): string => `function (a, p) {
  let rest = real(this.thread.x);
  let at = p[1];
  for (let axis = 0; axis < p[0]; axis++) {
    const extent = p[2 + 2 * axis];
    const next = quotient(rest, extent);
    at += (rest - next * extent) * p[3 + 2 * axis];
    rest = next;
  }
  const x = a[at];
  return ${expression};
}`

/** f(x, y) for x = a[…], y = b[…]. */
const overTwo = (expression: string): string => `function (a, b, p) {
  let rest = real(this.thread.x);
  let left = p[1];
  let right = p[2];
  for (let axis = 0; axis < p[0]; axis++) {
    const extent = p[3 + 3 * axis];
    const next = quotient(rest, extent);
    const i = rest - next * extent;
    left += i * p[4 + 3 * axis];
    right += i * p[5 + 3 * axis];
    rest = next;
  }
  const x = a[left];
  const y = b[right];
  return ${expression};
}`

const unary: Readonly<Record<UnaryOp, string>> = {
  neg: '-x',
  abs: 'Math.abs(x)',
  exp: 'exponential(x)',
  log: 'naturalLogarithm(x)',
  sqrt: 'Math.sqrt(x)',
  square: 'x * x',
  reciprocal: '1 / x',
  relu: 'x > 0 ? x : 0',
  tanh: 'hyperbolicTangent(x)',
  sigmoid: '1 / (1 + exponential(-x))',
  gelu: 'timesProbability(x, x)',
}

const binary: Readonly<Record<BinaryOp, string>> = {
  add: 'x + y',
  sub: 'x - y',
  mul: 'x * y',
  div: 'x / y',
  max: 'Math.max(x, y)',
  min: 'Math.min(x, y)',
  reluGrad: 'y > 0 ? x : 0',
  tanhGrad: 'x * (1 - y * y)',
  sigmoidGrad: 'x * y * (1 - y)',
  geluGrad: 'x * (timesProbability(1, y) + y * 0.3989422804 * Math.exp(-0.5 * y * y))',
}

export const elementwiseSources: Readonly<Record<'gather' | UnaryOp | BinaryOp, string>> = {
  gather: overOne('x'),
  ...(Object.fromEntries(Object.entries(unary).map(([op, f]) => [op, overOne(f)])) as Record<UnaryOp, string>),
  ...(Object.fromEntries(Object.entries(binary).map(([op, f]) => [op, overTwo(f)])) as Record<BinaryOp, string>),
}
