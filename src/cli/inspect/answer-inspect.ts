/**
 * The answer of `fp-dp data inspect`.
 */
import { stat } from 'node:fs/promises'
import * as E from 'fp-ts/lib/Either.js'
import { type Dataset, datasetOfArrays, decodeNpy, readBytes, readCifar, readIdxFolder } from '../../data/index.js'
import { decodeIdx } from '../../data/inflate.js'
import { sizeOf } from '../../tensor/shape.js'
import { type Tensor, tensor, zeros } from '../../tensor/tensor.js'
import type { Answer } from '../command.js'
import type { InspectOptions } from '../commands/data-inspect.js'
import { type Failure, failed } from '../failure.js'
import { writeNamed } from '../output-file.js'
import { contactSheet, isDrawable } from './contact-sheet.js'
import type { ColumnFindings, Finding } from './findings.js'
import { type Inspection, inspectPath } from './inspect-path.js'
import { encodePng } from './png.js'

const number = (x: number): string => `${Number(x.toPrecision(6))}`

/** Counts of classes; alike ones once. */
const showClasses = (classes: Readonly<Record<string, number>>): string => {
  const entries = Object.entries(classes)
  const counts = Object.values(classes)
  const [least, most] = [Math.min(...counts), Math.max(...counts)]
  if (least === most) return `${entries.length} classes of ${least} each`
  return entries.length <= 20
    ? `${entries.length} classes: ${entries.map(([label, count]) => `${label} × ${count}`).join(', ')}`
    : `${entries.length} classes of ${least} to ${most}`
}

const showColumn = ({ name, numbers, values, missing }: ColumnFindings): string => {
  const what =
    numbers !== undefined
      ? `numbers from ${number(numbers.least)} to ${number(numbers.most)}${values === undefined ? '' : `, ${values.length} of them different`}`
      : values === undefined
        ? 'texts'
        : `texts: ${values.join(', ')}`
  return `    ${name}: ${what}${missing > 0 ? `, ${missing} missing` : ''}`
}

const showFinding = ({
  name,
  format,
  dtype,
  shape,
  numbers,
  classes,
  columns,
  problems,
}: Finding): readonly string[] => [
  [
    `${name}: ${format}`,
    ...(dtype === undefined ? [] : [dtype]),
    ...(shape === undefined
      ? []
      : [columns === undefined ? `[${shape.join(', ')}]` : `${shape[0]} records of ${shape[1]} columns`]),
    ...(numbers === undefined || classes !== undefined
      ? []
      : [`from ${number(numbers.least)} to ${number(numbers.most)}`]),
    ...(classes === undefined ? [] : [showClasses(classes)]),
  ].join(' · '),
  ...(columns ?? []).map(showColumn),
  ...problems.map((problem) => `  ! ${problem}`),
]

/** As many images are drawn where nothing says what they are. */
const WITHOUT_LABELS = 12

/** The images of one file, without labels. */
const imagesOf = async (path: string): Promise<Dataset | undefined> => {
  const bytes = await readBytes(path)()
  if (E.isLeft(bytes)) return undefined
  const drawn = (inputs: Tensor): Dataset | undefined => {
    const dataset = datasetOfArrays({ classes: 1 })({ inputs, labels: zeros([inputs.shape[0] ?? 0]) })
    return E.isRight(dataset) ? dataset.right : undefined
  }
  const array = decodeNpy(bytes.right)
  if (E.isRight(array)) return drawn(array.right)
  const idx = await decodeIdx(bytes.right)()
  if (E.isLeft(idx)) return undefined
  const { data, shape } = idx.right
  const [count = 0, ...rest] = shape
  const first = Math.min(count, WITHOUT_LABELS)
  return drawn(
    tensor(
      Array.from({ length: first * sizeOf(rest) }, (_, i) => data[i] as number),
      [first, ...rest],
    ),
  )
}

/** Examples that can be drawn: of a folder to train on, or the images of a file. */
const examplesAt = async (path: string): Promise<Dataset | undefined> => {
  const isFolder = (await stat(path)).isDirectory()
  const readers =
    isFolder || /\.(tar|tgz|tar\.gz)$/.test(path)
      ? [...(isFolder ? [readIdxFolder(path)] : []), readCifar(path), readCifar(path, { labels: 'coarse' })]
      : []
  for (const read of readers) {
    const data = await read()
    if (E.isRight(data)) return data.right.train
  }
  return isFolder ? undefined : imagesOf(path)
}

const drawSheet = async (path: string, to: string): Promise<E.Either<Failure, string>> => {
  const dataset = await examplesAt(path)
  if (dataset === undefined || !isDrawable(dataset))
    return E.left(failed(`${path}: there are no images of one or three channels to draw, in the formats of a run.`))
  const written = await writeNamed('--sheet', to, encodePng(contactSheet(dataset)))
  return E.isLeft(written) ? written : E.right(`The first images of each class are in ${to}.`)
}

const problemsOf = ({ findings, problems }: Inspection): number =>
  findings.reduce((sum, finding) => sum + finding.problems.length, problems.length)

/** Says what is in a file or folder; status 1 where something is wrong with it. */
export const answerInspect = async (path: string, { sheet }: InspectOptions): Promise<E.Either<Failure, Answer>> => {
  const inspected = await inspectPath(path)
  if (E.isLeft(inspected)) return inspected
  const drawn = sheet === undefined ? undefined : await drawSheet(path, sheet)
  if (drawn !== undefined && E.isLeft(drawn)) return drawn
  const { findings, problems } = inspected.right
  const wrong = problemsOf(inspected.right)
  return E.right({
    text: [
      ...findings.flatMap(showFinding),
      ...problems.map((problem) => `! ${problem}`),
      ...(drawn === undefined ? [] : [drawn.right]),
      wrong === 0 ? 'Nothing is wrong with it.' : `${wrong} ${wrong === 1 ? 'problem' : 'problems'}.`,
      'These numbers are computed from the records, and are as private as they are: what a run is told must be public.',
    ].join('\n'),
    json: { ...inspected.right, ...(sheet === undefined ? {} : { sheet }) },
    status: wrong === 0 ? 0 : 1,
  })
}
