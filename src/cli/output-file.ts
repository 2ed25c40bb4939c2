/**
 * Pictures and tables in files: the ending of the name says which.
 */
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { showDataError, writeFileAtomically } from '../data/index.js'
import { type LineChart, lineChart, pngOf, showReportError } from '../report/index.js'
import { type BadArguments, badArguments, type Failure, failed } from './failure.js'
import type { OutputFile } from './output-flag.js'
import { reasonOf } from './read-text.js'

/** What a command can write. */
export interface Drawable {
  readonly chart: LineChart
  readonly csv: string
}

/** Writes text or bytes to a file that an argument names. */
export const writeNamed = async (
  argument: string,
  path: string,
  content: string | Uint8Array,
): Promise<E.Either<BadArguments, void>> => {
  const written = await writeFileAtomically(path, content)()
  return E.isLeft(written)
    ? E.left(badArguments(`${argument} must be a file that can be written: ${showDataError(written.left)}`))
    : written
}

/** Is there a folder for the file? Asked before anything is computed for it. */
export const checkOutput = async (output: OutputFile | undefined): Promise<E.Either<BadArguments, void>> => {
  if (output === undefined) return E.right(undefined)
  const folder = dirname(output.path)
  const found = await stat(folder).then(
    (entry) => (entry.isDirectory() ? undefined : 'it is no folder'),
    (cause: unknown) => reasonOf(cause).replace('file', 'folder'),
  )
  return found === undefined
    ? E.right(undefined)
    : E.left(
        badArguments(`--output must be a file in a folder that is there, not '${output.path}': ${folder}: ${found}.`),
      )
}

/** Draws and writes; what a picture needs and is not installed is a failure that says how to get it. */
export const writeOutput = async (
  { path, format }: OutputFile,
  { chart, csv }: Drawable,
): Promise<E.Either<Failure, void>> => {
  if (format === 'csv') return writeNamed('--output', path, csv)
  const svg = await lineChart(chart)()
  if (E.isLeft(svg)) return E.left(failed(showReportError(svg.left)))
  if (format === 'svg') return writeNamed('--output', path, `${svg.right}\n`)
  const png = await pngOf(svg.right)()
  return E.isLeft(png) ? E.left(failed(showReportError(png.left))) : writeNamed('--output', path, png.right)
}
