/**
 * Parameters as a table for people.
 */
import { showShape } from '../../tensor/shape.js'
import { size } from '../../tensor/tensor.js'
import { namedLeaves, type Tree, treeSize } from '../../tensor/tree.js'

/** One parameter. */
export interface ParameterRow {
  /** The path of the leaf, such as `0.weight`. */
  readonly name: string
  readonly shape: readonly number[]
  /** How many numbers it has. */
  readonly count: number
  /** Is it trained, or fixed? */
  readonly trainable: boolean
}

/** Every parameter in the order of its path; then those that `frozen` layers hold, which are no parameters of the model. */
export const parameterRows = (params: Tree, fixed: Tree = {}): readonly ParameterRow[] =>
  [params, fixed].flatMap((tree, index) =>
    namedLeaves(tree).map(({ path, leaf }) => ({
      name: path,
      shape: leaf.shape,
      count: size(leaf),
      trainable: index === 0,
    })),
  )

/**
 * Names, shapes and counts of all parameters, a line each, and the total of those that are trained. What is `frozen` is no
 * parameter of the model: it appears where it is given as `fixed`.
 *
 * @example
 * parameterTable({ weight: zeros([3, 5]) }, { base: zeros([3]) }).split('\n').map((line) => line.split(/ +/).at(-1)) // => ['trainable', 'yes', 'no', '15']
 */
export const parameterTable = (params: Tree, fixed: Tree = {}): string => {
  const rows = parameterRows(params, fixed).map(
    ({ name, shape, count, trainable }) => [name, showShape(shape), `${count}`, trainable ? 'yes' : 'no'] as const,
  )
  const all = [
    ['name', 'shape', 'count', 'trainable'] as const,
    ...rows,
    ['total', 'trained', `${treeSize(params)}`, ''] as const,
  ]
  const width = (column: 0 | 1 | 2): number => Math.max(...all.map((row) => row[column].length))
  const [first, second, third] = [width(0), width(1), width(2)]
  return all
    .map(([name, shape, count, trainable]) =>
      `${name.padEnd(first)}  ${shape.padEnd(second)}  ${count.padStart(third)}  ${trainable}`.trimEnd(),
    )
    .join('\n')
}
