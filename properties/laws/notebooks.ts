/**
 * Notebooks as data: their code, and what they show.
 */

/** One of the things that a cell shows. */
export interface CellOutput {
  readonly output_type: string
  /** The stream that text was printed on. */
  readonly name?: string
  readonly text?: string | readonly string[]
  readonly data?: Readonly<Record<string, string | readonly string[]>>
}

/** Prose, or code and what it showed when it last ran. */
export interface Cell {
  readonly cell_type: 'markdown' | 'code'
  readonly id?: string
  readonly metadata: object
  readonly source: string | readonly string[]
  readonly execution_count?: number | null
  readonly outputs?: readonly CellOutput[]
}

/** A notebook of format 4. */
export interface Notebook {
  readonly cells: readonly Cell[]
  readonly metadata: object
  readonly nbformat: number
  readonly nbformat_minor: number
}

const joined = (text: string | readonly string[]): string => (typeof text === 'string' ? text : text.join(''))

/** The cells of code. */
export const codeCells = ({ cells }: Notebook): readonly Cell[] => cells.filter((cell) => cell.cell_type === 'code')

/** The text of a cell. */
export const sourceOf = ({ source }: Cell): string => joined(source)

/** What a cell printed. */
export const printedIn = ({ outputs = [] }: Cell): string =>
  outputs.flatMap(({ name, text }) => (name === 'stdout' && text !== undefined ? [joined(text)] : [])).join('')

/** What a cell complained of, or that it failed. */
export const complaintsIn = ({ outputs = [] }: Cell): string =>
  outputs
    .flatMap(({ name, text, output_type }) =>
      name === 'stderr' && text !== undefined ? [joined(text)] : output_type === 'error' ? ['a cell failed'] : [],
    )
    .join('')

/** The prose of a notebook. */
export const proseOf = ({ cells }: Notebook): string =>
  cells
    .filter((cell) => cell.cell_type === 'markdown')
    .map(sourceOf)
    .join('\n\n')

/** The notebook without times and counts, which change from run to run. */
export const withoutTraces = ({ cells, metadata, ...format }: Notebook): Notebook => ({
  cells: cells.map((cell, index) => ({
    cell_type: cell.cell_type,
    id: `cell-${index + 1}`,
    metadata: {},
    source: cell.source,
    ...(cell.cell_type === 'code' ? { execution_count: null, outputs: cell.outputs ?? [] } : {}),
  })),
  metadata: {
    kernelspec: { display_name: 'TypeScript', language: 'typescript', name: 'tslab' },
    language_info: { file_extension: '.ts', mimetype: 'text/typescript', name: 'typescript' },
  },
  ...format,
})
