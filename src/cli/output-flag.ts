/**
 * `--output`: a picture or a table, by the ending of its name.
 */
import { type Flag, flag } from './flag.js'
import type { Value } from './value.js'

export const outputFormats = ['svg', 'png', 'csv'] as const

/** A file and what is written to it. */
export interface OutputFile {
  readonly path: string
  readonly format: (typeof outputFormats)[number]
}

const outputFile: Value<OutputFile> = {
  requirement: 'the name of a file that ends in .svg, .png or .csv',
  read: (path) => {
    const format = outputFormats.find((ending) => path.toLowerCase().endsWith(`.${ending}`))
    return format === undefined ? undefined : { path, format }
  },
}

export const outputFlag: Flag<OutputFile | undefined> = flag(
  '--output <file>',
  'write the picture to a file (.svg or .png), or the numbers (.csv)',
  outputFile,
)
