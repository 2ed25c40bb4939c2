/**
 * What is in a file or a folder.
 */
import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { readBytes, showDataError } from '../../data/index.js'
import { badArguments, type Failure } from '../failure.js'
import { broken, type Finding } from './findings.js'
import { inspectBytes } from './inspect-bytes.js'

/** Everything that was found, and what is wrong between its parts. */
export interface Inspection {
  readonly path: string
  readonly findings: readonly Finding[]
  readonly problems: readonly string[]
}

/** Files that are larger are not read whole. */
const LARGEST = 2 ** 31 - 1

const inspectFile = async (path: string, name: string): Promise<readonly Finding[] | undefined> => {
  if ((await stat(path)).size > LARGEST) return [broken(name, 'unknown', 'the file is larger than 2 GiB')]
  const bytes = await readBytes(path)()
  return E.isLeft(bytes) ? [broken(name, 'unknown', showDataError(bytes.left))] : inspectBytes(name, bytes.right)
}

const lengthOf = ({ shape }: Finding): number | undefined => shape?.[0]

/** Images and labels of one split, and the two splits, in the names of MNIST. */
const betweenIdx = (findings: readonly Finding[]): readonly string[] => {
  const named = (split: string, what: string): Finding | undefined =>
    findings.find(({ name }) => name.startsWith(`${split}-${what}`))
  const pairs = (['train', 't10k'] as const).flatMap((split) => {
    const [images, labels] = [named(split, 'images'), named(split, 'labels')]
    if (images === undefined && labels === undefined) return []
    if (images === undefined || labels === undefined)
      return [`${split} has ${images === undefined ? 'labels and no images' : 'images and no labels'}`]
    const [a, b] = [lengthOf(images), lengthOf(labels)]
    return a === undefined || b === undefined || a === b
      ? []
      : [`${images.name} has ${a} images, and ${labels.name} ${b} labels`]
  })
  const [train, test] = [named('train', 'images')?.shape?.slice(1), named('t10k', 'images')?.shape?.slice(1)]
  return train !== undefined && test !== undefined && train.join() !== test.join()
    ? [...pairs, `images to train on have shape [${train}], those to test on [${test}]`]
    : pairs
}

/** Reads a file, or each file of a folder. */
export const inspectPath = async (path: string): Promise<E.Either<Failure, Inspection>> => {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return E.left(badArguments(`<path> must be a file or folder that is there, not '${path}'.`))
  if (!found.isDirectory()) {
    const findings = (await inspectFile(path, basename(path))) ?? [
      broken(
        basename(path),
        'unknown',
        'it is of no known kind: IDX, CIFAR, CSV, NPY, NPZ, safetensors or a tar archive of them',
      ),
    ]
    return E.right({ path, findings, problems: [] })
  }
  const names = (await readdir(path, { withFileTypes: true })).filter((entry) => entry.isFile()).map(({ name }) => name)
  const findings: Finding[] = []
  for (const name of names.toSorted()) findings.push(...((await inspectFile(join(path, name), name)) ?? []))
  return E.right({
    path,
    findings,
    problems: findings.length === 0 ? ['there is no file of a known kind in the folder'] : betweenIdx(findings),
  })
}
