/**
 * Functions of one number and of two, over strided views.
 *
 *   parameters = axes, offset of each operand, then from the innermost axis outwards: extent, stride in each operand
 */
import type { BinaryOp, UnaryOp } from '../../../backend.js'
import { cells, p, type Shader } from '../shader.js'
import { functions } from './functions.js'

/** The place in an operand, or two, of the cell `index`; the outermost axis takes what is left. */
const places = (names: readonly string[]): string => {
  const step = names.length + 1
  const first = names.length + 1
  const advance = (axis: string, i: string): string =>
    names.map((name, view) => `${name} += ${i} * word(${axis} + ${view + 1});`).join(' ')
  return `var rest = index;
  ${names.map((name, view) => `var ${name} = ${p(view + 1)};`).join(' ')}
  var axis = ${first};
  for (var left = ${p(0)}; left > 1; left--) {
    let extent = word(axis);
    let next = quotient(rest, extent);
    let i = rest - next * extent;
    ${advance('axis', 'i')}
    rest = next;
    axis += ${step};
  }
  if (${p(0)} > 0) { ${advance('axis', 'rest')} }`
}

const overOne = (expression: string): string => cells(expression, `${places(['at'])}\n  let x = a[at];`, functions)

const overTwo = (expression: string): string =>
  cells(expression, `${places(['here', 'there'])}\n  let x = a[here];\n  let y = b[there];`, functions)

const unary: Readonly<Record<'gather' | UnaryOp, string>> = {
  gather: 'x',
  neg: '-x',
  abs: 'abs(x)',
  exp: 'exponential(x)',
  log: 'naturalLogarithm(x)',
  sqrt: 'sqrt(x)',
  square: 'x * x',
  reciprocal: '1.0 / x',
  relu: 'select(0.0, x, x > 0.0)',
  tanh: 'hyperbolicTangent(x)',
  sigmoid: '1.0 / (1.0 + exponential(-x))',
  gelu: 'timesProbability(x, x)',
}

const binary: Readonly<Record<BinaryOp, string>> = {
  add: 'x + y',
  sub: 'x - y',
  mul: 'x * y',
  div: 'x / y',
  max: 'max(x, y)',
  min: 'min(x, y)',
  reluGrad: 'select(0.0, x, y > 0.0)',
  tanhGrad: 'x * (1.0 - y * y)',
  sigmoidGrad: 'x * y * (1.0 - y)',
  geluGrad: 'x * (timesProbability(1.0, y) + y * 0.3989422804 * exponential(-0.5 * y * y))',
}

const shaders = <Op extends string>(
  of: Readonly<Record<Op, string>>,
  inputs: readonly string[],
  over: (expression: string) => string,
): Readonly<Record<Op, Shader>> =>
  Object.fromEntries(
    Object.entries<string>(of).map(([name, expression]) => [name, { name, inputs, body: () => over(expression) }]),
  ) as Readonly<Record<Op, Shader>>

export const unaryShaders: Readonly<Record<'gather' | UnaryOp, Shader>> = shaders(unary, ['a'], overOne)
export const binaryShaders: Readonly<Record<BinaryOp, Shader>> = shaders(binary, ['a', 'b'], overTwo)
