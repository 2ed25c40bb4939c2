/**
 * Formulas of float64 numbers, element by element: by the device in whose memory the tensors lie, or by loops in JavaScript.
 */
import { type Formula, input, type Program, parameter, program } from './formula.js'
import { homeIn } from './home.js'
import { ShapeEq, shapeError } from './shape.js'
import { contiguous, size, storageOf, type Tensor, unsafeTensor } from './tensor.js'

/** What the operations of formulas are, by number. */
const arithmetic: readonly ((a: number, b: number) => number)[] = [
  (a, b) => a + b,
  (a, b) => a - b,
  (a, b) => a * b,
  (a, b) => a / b,
  (a, b) => Math.max(a, b),
  (a) => Math.sqrt(a),
  (a) => Math.abs(a),
  (a) => Math.sign(a),
]

const loops = ({ constants, instructions, outputs }: Program, tensors: readonly Tensor[]): Float64Array => {
  const count = size(tensors[0] as Tensor)
  const places = tensors.map((t): ArrayLike<number> => {
    const own = contiguous(t)
    return storageOf(own).subarray(own.offset, own.offset + count)
  })
  for (const constant of constants) places.push(new Float64Array(count).fill(constant))
  for (const { operation, left, right } of instructions) {
    const [a, b] = [places[left] as ArrayLike<number>, places[right] as ArrayLike<number>]
    const apply = arithmetic[operation] as (a: number, b: number) => number
    places.push(Float64Array.from({ length: count }, (_, i) => apply(a[i] as number, b[i] as number)))
  }
  return Float64Array.from(places[outputs[0] as number] as ArrayLike<number>)
}

/**
 * The formula of the elements of tensors of one shape, such as norms [n], in float64.
 *
 * Guarantee  where the tensors lie cannot be told from the result
 *
 * @throws ShapeError when the shapes differ
 * @internal
 */
export const computed = (
  inputs: number,
  formula: (...elements: readonly Formula[]) => Formula,
): ((...tensors: readonly [Tensor, ...Tensor[]]) => Tensor) => parametric(inputs, 0, formula)()

/**
 * The same for a formula that takes further numbers, each the same for all elements: it is compiled once for all of them.
 *
 * @internal
 */
export const parametric = (
  inputs: number,
  parameters: number,
  formula: (...elementsThenParameters: readonly Formula[]) => Formula,
): ((...values: readonly number[]) => (...tensors: readonly [Tensor, ...Tensor[]]) => Tensor) => {
  const elements = Array.from({ length: inputs }, (_, index) => input(index))
  const numbers = Array.from({ length: parameters }, (_, index) => parameter(index))
  const compiled = program(inputs, [formula(...elements, ...numbers)], parameters)
  const constants = compiled.constants.slice(parameters)
  return (...values) =>
    (...tensors) => {
      const [{ shape }] = tensors
      const other = tensors.find((t) => !ShapeEq.equals(shape, t.shape))
      if (other !== undefined) throw shapeError('numbers of one formula differ in shape', shape, other.shape)
      const ready = { ...compiled, constants: [...values, ...constants] }
      const home = homeIn('float64', ...tensors)
      if (home !== undefined) return home.compute(ready, tensors)[0] as Tensor
      return unsafeTensor(loops(ready, tensors), shape)
    }
}
