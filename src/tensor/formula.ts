/**
 * Formulas: arithmetic on numbers as data, which a device computes for every element of some tensors in one pass.
 *
 * Guarantee  each operation is that of JavaScript on float64, in the order written: nothing is regrouped or fused
 */

/** What numbers are made of: those of a tensor, those that are the same everywhere, and results of operations. */
export type Formula =
  | { readonly op: 'input'; readonly index: number }
  | { readonly op: 'parameter'; readonly index: number }
  | { readonly op: 'constant'; readonly value: number }
  | { readonly op: Operation; readonly of: readonly [Formula, Formula] }

/** One operand is given twice where an operation takes one. */
export type Operation = (typeof operations)[number]

/** By number, as `kernels/formula.ts` numbers them. */
const operations = ['plus', 'minus', 'times', 'over', 'larger', 'root', 'magnitude', 'sign'] as const

/** A formula, or a number that is the same everywhere. */
export type Operand = Formula | number

/** The elements of the tensor with that index. @internal */
export const input = (index: number): Formula => ({ op: 'input', index })

/** The parameter with that index: the same number everywhere, which is given later. @internal */
export const parameter = (index: number): Formula => ({ op: 'parameter', index })

/** The same number everywhere. @internal */
export const constant = (value: number): Formula => ({ op: 'constant', value })

const lift = (x: Operand): Formula => (typeof x === 'number' ? constant(x) : x)
const binary =
  (op: Operation) =>
  (a: Operand, b: Operand): Formula => ({ op, of: [lift(a), lift(b)] })
const unary =
  (op: Operation) =>
  (x: Operand): Formula => {
    const of = lift(x)
    return { op, of: [of, of] }
  }

/** a + b. @internal */
export const plus: (a: Operand, b: Operand) => Formula = binary('plus')
/** a − b. @internal */
export const minus: (a: Operand, b: Operand) => Formula = binary('minus')
/** a·b. @internal */
export const times: (a: Operand, b: Operand) => Formula = binary('times')
/** a/b. @internal */
export const over: (a: Operand, b: Operand) => Formula = binary('over')
/** max(a, b), as `Math.max`. @internal */
export const larger: (a: Operand, b: Operand) => Formula = binary('larger')
/** √x. @internal */
export const root: (x: Operand) => Formula = unary('root')
/** |x|. @internal */
export const magnitude: (x: Operand) => Formula = unary('magnitude')
/** −1, 0 or 1, as `Math.sign`. @internal */
export const sign: (x: Operand) => Formula = unary('sign')

/** One operation on what lies in two places. */
export interface Instruction {
  readonly operation: number
  readonly left: number
  readonly right: number
}

/** Formulas in the order of their computation. Places: the inputs, the constants, the result of each instruction. */
export interface Program {
  readonly inputs: number
  /** The parameters come first. */
  readonly constants: readonly number[]
  readonly instructions: readonly Instruction[]
  /** Where the results are. */
  readonly outputs: readonly number[]
}

/** The program of some formulas of so many inputs and parameters, which are 0. A formula that is used twice is computed once. @internal */
export const program = (inputs: number, formulas: readonly Formula[], parameters = 0): Program => {
  const seen = new Set<Formula>()
  const visit = (formula: Formula): void => {
    if (seen.has(formula)) return
    if ('of' in formula) formula.of.forEach(visit)
    seen.add(formula)
  }
  formulas.forEach(visit)
  const order = [...seen]
  const constants: number[] = []
  for (const formula of order)
    if (formula.op === 'constant' && !constants.some((x) => Object.is(x, formula.value))) constants.push(formula.value)
  const given = new Array<number>(parameters).fill(0)
  const computed = order.filter((formula) => 'of' in formula)
  const place = (formula: Formula): number => {
    if (formula.op === 'input') return formula.index
    if (formula.op === 'parameter') return inputs + formula.index
    if (formula.op === 'constant') return inputs + parameters + constants.findIndex((x) => Object.is(x, formula.value))
    return inputs + parameters + constants.length + computed.indexOf(formula)
  }
  return {
    inputs,
    constants: [...given, ...constants],
    instructions: computed.map(({ op, of: [left, right] }) => ({
      operation: operations.indexOf(op),
      left: place(left),
      right: place(right),
    })),
    outputs: formulas.map(place),
  }
}
