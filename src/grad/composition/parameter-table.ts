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
}

/** Every parameter in the order of its path. */
export const parameterRows = (params: Tree): readonly ParameterRow[] =>
  namedLeaves(params).map(({ path, leaf }) => ({ name: path, shape: leaf.shape, count: size(leaf) }))

/**
 * Names, shapes and counts of all parameters, a line each, and their total. What is `frozen` is no parameter, and does not
 * appear: every row is trained.
 *
 * @example
 * parameterTable({ weight: zeros([3, 5]), bias: zeros([3]) }).split('\n').at(-1) // => 'total             18'
 */
export const parameterTable = (params: Tree): string => {
  const rows = parameterRows(params).map(({ name, shape, count }) => [name, showShape(shape), `${count}`] as const)
  const all = [['name', 'shape', 'count'] as const, ...rows, ['total', '', `${treeSize(params)}`] as const]
  const width = (column: 0 | 1 | 2): number => Math.max(...all.map((row) => row[column].length))
  const [first, second, third] = [width(0), width(1), width(2)]
  return all
    .map(([name, shape, count]) => `${name.padEnd(first)}  ${shape.padEnd(second)}  ${count.padStart(third)}`)
    .join('\n')
}
