/**
 * A grid of runs as one JSON file: what `fp-dp experiment` reads.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { z } from 'zod'
import { crc32 } from '../../data/index.js'
import { type ConfigProblem, checked, problem } from '../run/config-problems.js'
import { parseRun, type RunConfig, runJsonSchema } from '../run/run-config.js'
import { count, either, list, optional, record, recordOf, type Schema, text, wholeNumber } from '../run/schema-parts.js'

/** Runs that differ in some fields. */
export interface GridConfig {
  readonly $schema?: string
  readonly title?: string
  /** What the runs have in common: a run as `fp-dp train` reads it, but for what the axes say. */
  readonly base: Readonly<Record<string, unknown>>
  /** Values by the path of their field: `{ "noise.targetEpsilon": [1, 3] }`. */
  readonly axes: Readonly<Record<string, readonly unknown[]>>
  /** How many seeds, 0 and so on, or which; default 1. */
  readonly seeds?: number | readonly number[]
  /** Folder for what the experiment leaves, relative to that of the file; default the name of the file without its ending. */
  readonly out?: string
}

const anything = z.unknown() as unknown as Schema<unknown>
const object = z.record(z.string(), z.unknown(), { error: 'a run, as fp-dp train reads it' }) as unknown as Schema<
  GridConfig['base']
>

/** The schema of a grid. */
const gridSchema: Schema<GridConfig> = record<GridConfig>({
  ...{ $schema: optional(text('a text')), title: optional(text('a text')), base: object },
  axes: recordOf(list(anything, 'a list of values'), 'an object with a list of values under the path of each field'),
  seeds: optional(
    either<number | readonly number[]>(
      'a whole number of at least 1, or a list of seeds',
      count,
      list(wholeNumber, 'a list of seeds'),
    ),
  ),
  out: optional(text('the name of a folder')),
})

/** The schema as JSON Schema, for editors. */
export const gridJsonSchema = (): unknown => {
  const { required: _, ...run } = runJsonSchema() as Readonly<Record<string, unknown>>
  const schema = z.toJSONSchema(gridSchema, { io: 'input' }) as {
    readonly properties: Readonly<Record<string, unknown>>
  }
  // The axes may bring what a run must have.
  return {
    ...schema,
    properties: { ...schema.properties, base: run },
    title: 'A grid of private training runs of fp-dp',
  }
}

/** A field that differs from run to run. */
export interface Axis {
  readonly path: readonly (string | number)[]
  /** The last name of the path that tells it apart. */
  readonly name: string
  readonly values: readonly unknown[]
  /** How each value is shown. */
  readonly labels: readonly string[]
}

/** One run of the grid. */
export interface Cell {
  /** The place of its value on each axis. */
  readonly at: readonly number[]
  readonly seed: number
  /** `targetEpsilon = 1, seed 0`. */
  readonly title: string
  /** The name of its folder. */
  readonly folder: string
  readonly config: RunConfig
}

/** Everything that an experiment runs. */
export interface Grid {
  readonly title: string
  readonly axes: readonly Axis[]
  readonly seeds: readonly number[]
  readonly cells: readonly Cell[]
  readonly out: string | undefined
}

/** 'phases[1].clip' as keys. */
const keysOf = (path: string): readonly (string | number)[] =>
  path.split('.').flatMap((part) => {
    const [name = '', ...places] = part.split('[')
    return [...(name === '' ? [] : [name]), ...places.map((place) => Number(place.replace(']', '')))]
  })

/** The value with another at a path. */
const withValue = (value: unknown, [key, ...rest]: readonly (string | number)[], to: unknown): unknown => {
  if (key === undefined) return to
  if (Array.isArray(value) && typeof key === 'number')
    return value.map((item: unknown, place) => (place === key ? withValue(item, rest, to) : item))
  const record = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  return { ...record, [key]: withValue(record[key], rest, to) }
}

/** Values for people: an object by its kind, where that tells it apart. */
const labelsOf = (values: readonly unknown[]): readonly string[] => {
  const kinds = values.map((value) => (value as { readonly kind?: unknown } | null)?.kind)
  const short = kinds.every((kind) => typeof kind === 'string') && new Set(kinds).size === kinds.length
  return values.map((value, i) =>
    short ? String(kinds[i]) : typeof value === 'string' ? value : JSON.stringify(value),
  )
}

const axesOf = (axes: GridConfig['axes']): readonly Axis[] => {
  const paths = Object.keys(axes)
  const lastOf = (path: string): string => String(keysOf(path).at(-1))
  return paths.map((path) => ({
    path: keysOf(path),
    name: paths.filter((other) => lastOf(other) === lastOf(path)).length === 1 ? lastOf(path) : path,
    values: axes[path] as readonly unknown[],
    labels: labelsOf(axes[path] as readonly unknown[]),
  }))
}

/** A part of a file name; what it cannot hold is told apart by a checksum. */
const fileName = (text: string): string => {
  const plain = text.replace(/[^\w.+-]/g, '_').slice(0, 40)
  return plain === text ? text : `${plain}-${crc32(new TextEncoder().encode(text)).toString(16)}`
}

/** All combinations of places, the first axis slowest. */
const product = (axes: readonly Axis[]): readonly (readonly number[])[] =>
  axes.reduce<readonly (readonly number[])[]>(
    (all, { values }) => all.flatMap((at) => values.map((_, i) => [...at, i])),
    [[]],
  )

/** Sentences of cells: each once, with the first cell that it is about, or without where it is about all. */
const together = (
  found: readonly (readonly [title: string, problems: readonly ConfigProblem[]])[],
): readonly ConfigProblem[] => {
  const sentences = new Map<string, { readonly path: string; readonly titles: string[] }>()
  for (const [title, problems] of found)
    for (const { path, sentence } of problems) {
      const known = sentences.get(sentence) ?? { path, titles: [] }
      known.titles.push(title)
      sentences.set(sentence, known)
    }
  return Array.from(sentences, ([sentence, { path, titles }]) => ({
    path,
    sentence: titles.length === found.length ? sentence : `with ${titles[0]}, ${sentence}`,
  }))
}

const cellsOf = (
  { base, title }: GridConfig,
  axes: readonly Axis[],
  seeds: readonly number[],
): E.Either<readonly ConfigProblem[], readonly Cell[]> => {
  const cells = product(axes).flatMap((at) =>
    seeds.map((seed) => {
      const input = axes.reduce<unknown>(
        (config, { path, values }, axis) => withValue(config, path, values[at[axis] as number]),
        { ...base, ...(title === undefined ? {} : { title }), seed },
      )
      const parts = axes.map(({ name, labels }, axis) => [name, labels[at[axis] as number] as string] as const)
      return {
        ...{ at, seed, config: parseRun(input) },
        title: [...parts.map(([name, label]) => `${name} = ${label}`), `seed ${seed}`].join(', '),
        folder: [...parts, ['seed', String(seed)] as const]
          .map(([name, label]) => `${name}=${fileName(label)}`)
          .join(','),
      }
    }),
  )
  const wrong = cells.map(({ title: name, config }) => [name, E.isLeft(config) ? config.left : []] as const)
  return wrong.some(([, problems]) => problems.length > 0)
    ? E.left(together(wrong))
    : E.right(cells.map((cell) => ({ ...cell, config: (cell.config as E.Right<RunConfig>).right })))
}

/** What no field says by itself. */
const conflicts = (grid: GridConfig): readonly ConfigProblem[] => [
  ...(Object.hasOwn(grid.axes, 'seed') || Object.hasOwn(grid.base, 'seed')
    ? [
        problem(
          grid,
          Object.hasOwn(grid.axes, 'seed') ? ['axes', 'seed'] : ['base', 'seed'],
          'left out: seeds says which seeds there are',
        ),
      ]
    : []),
  ...(['out', 'secure'] as const)
    .filter((field) => Object.hasOwn(grid.base, field))
    .map((field) => problem(grid, ['base', field], 'left out: an experiment has seeds, and a folder for each run')),
  ...Object.entries(grid.axes)
    .filter(([, values]) => new Set(values.map((value) => JSON.stringify(value))).size < values.length)
    .map(([path]) => problem(grid, ['axes', path], 'a list of different values')),
]

/** The runs of a grid from what a file holds, or every problem with them. */
export const parseGrid = (input: unknown): E.Either<readonly ConfigProblem[], Grid> =>
  pipe(
    checked(gridSchema)(input),
    E.filterOrElse((grid) => conflicts(grid).length === 0, conflicts),
    E.chain((grid) => {
      const axes = axesOf(grid.axes)
      const { seeds: wanted = 1 } = grid
      const seeds =
        typeof wanted === 'number' ? Array.from({ length: wanted }, (_, seed) => seed) : Array.from(new Set(wanted))
      return pipe(
        cellsOf(grid, axes, seeds),
        E.map((cells) => ({ title: grid.title ?? 'An experiment', axes, seeds, cells, out: grid.out })),
      )
    }),
  )
