/**
 * Contenders as processes that answer line by line (see `serve.mjs`): what starts them, and how they are asked.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** A library, or a way to use one. */
export interface Contender {
  readonly name: string
  /** Does it clip and add noise? */
  readonly isPrivate: boolean
  /** The one network that it knows; all, otherwise. */
  readonly only?: string
  /** How its process is started; a sentence where it cannot be. */
  readonly command: (threads: number) => readonly string[] | { readonly missing: string }
}

const node = (script: string, ...rest: readonly string[]): readonly string[] => [
  process.execPath,
  ...process.execArgv,
  here(script),
  ...rest,
]

const own = (name: string, isPrivate = true): Contender => ({
  name,
  isPrivate,
  command: (threads) => node('./own-process.ts', `${threads}`),
})

const peer = (name: string, script: string, module: string): Contender => ({
  name,
  isPrivate: true,
  command: (threads) =>
    existsSync(here(`./peers/node_modules/${module}`))
      ? [process.execPath, here(`./peers/${script}`), `${threads}`]
      : { missing: 'not installed: npm ci --prefix bench/peers' },
})

const python = (name: string, isPrivate = true): Contender => ({
  name,
  isPrivate,
  command: (threads) => [process.env.PYTHON ?? 'python3', here('./python/contenders.py'), `${threads}`],
})

export const contenders: readonly Contender[] = [
  own('non-private', false),
  own('book-keeping'),
  own('materialised'),
  { ...own('typed-array-loops'), only: 'mnist-cnn' },
  peer('tfjs-wasm', 'tfjs.mjs', '@tensorflow/tfjs'),
  peer('jax-js', 'jax-js.mjs', '@jax-js/jax'),
  python('pytorch-non-private', false),
  python('opacus-hooks'),
  python('opacus-ghost'),
  python('backpack'),
  python('jax'),
]

/** Groups of contenders that a word on the command line names. */
export const groups: Readonly<Record<string, readonly string[]>> = {
  ours: ['non-private', 'book-keeping', 'materialised'],
  javascript: ['non-private', 'book-keeping', 'materialised', 'typed-array-loops', 'tfjs-wasm', 'jax-js'],
  python: ['pytorch-non-private', 'opacus-hooks', 'opacus-ghost', 'backpack', 'jax'],
  all: contenders.map(({ name }) => name),
}

/** The contenders that words name, in the order of the table; a word that names none, otherwise. */
export const contendersNamed = (words: readonly string[]): readonly Contender[] | { readonly unknown: string } => {
  const names = words.flatMap((word) => groups[word] ?? [word])
  const wrong = names.find((name) => contenders.every((known) => known.name !== name))
  return wrong === undefined ? contenders.filter(({ name }) => names.includes(name)) : { unknown: wrong }
}

/** What a step took in the mean of several, and what the process has needed so far; the arena of linear memory where there is one. */
export interface Stepped {
  readonly ms: number
  readonly bytes: number
  readonly arena?: number
}

/** A contender that has prepared its problem. */
export interface Running {
  readonly version: string
  readonly step: (steps: number) => Promise<Stepped | { readonly failed: string }>
  readonly stop: () => void
}

/** The environment of a child: OpenBLAS decides by itself, and every library is told the number of threads. */
const environment = (threads: number): NodeJS.ProcessEnv => {
  const { OPENBLAS_CORETYPE: _, OPENBLAS_L2_SIZE: __, ...rest } = process.env
  const count = `${threads}`
  return {
    ...rest,
    OMP_NUM_THREADS: count,
    OPENBLAS_NUM_THREADS: count,
    MKL_NUM_THREADS: count,
    TF_CPP_MIN_LOG_LEVEL: '3',
  }
}

type Answer = { readonly failed: string } | Readonly<Record<string, unknown>>

/** One line to the child, one line back; a sentence where none comes. */
const asking = (child: ChildProcess, patience: number) => {
  const words: string[] = []
  child.stderr?.on('data', (text: Buffer) => words.push(`${text}`))
  const waiting: ((answer: Answer) => void)[] = []
  const give = (answer: Answer): void => waiting.shift()?.(answer)
  const lastWords = (): string => words.join('').trim().split('\n').at(-1)?.slice(0, 200) ?? ''
  child.on('error', (error) => give({ failed: `it cannot be started: ${error.message}` }))
  child.on('exit', (code, signal) => give({ failed: `its process ended with ${signal ?? code}: ${lastWords()}` }))
  if (child.stdout !== null)
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{')) give(JSON.parse(line) as Answer)
    })
  return (question: object): Promise<Answer> =>
    new Promise((resolve) => {
      if (child.exitCode !== null) return resolve({ failed: `its process has ended: ${lastWords()}` })
      const timer = setTimeout(() => {
        child.kill('SIGKILL')
        give({ failed: `it took more than ${patience / 1000} seconds` })
      }, patience)
      waiting.push((answer) => {
        clearTimeout(timer)
        resolve(answer)
      })
      child.stdin?.write(`${JSON.stringify(question)}\n`, () => undefined)
    })
}

export interface Start {
  readonly folder: string
  readonly threads: number
  /** Milliseconds that a contender may take for one answer. */
  readonly patience: number
}

/** Starts a contender and has it prepare the problem of a folder; a sentence where it cannot. */
export const start = async (
  contender: Contender,
  { folder, threads, patience }: Start,
): Promise<Running | { readonly failed: string }> => {
  const command = contender.command(threads)
  if ('missing' in command) return { failed: command.missing }
  const [program = '', ...rest] = command
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'pipe'], env: environment(threads) })
  child.stdin?.on('error', () => undefined)
  const ask = asking(child, patience)
  const stop = (): void => {
    child.kill('SIGKILL')
  }
  const prepared = await ask({ prepare: folder, contender: contender.name })
  if ('failed' in prepared) {
    stop()
    return { failed: prepared.failed as string }
  }
  return {
    version: `${prepared.version}`,
    step: (steps) => ask({ steps }) as Promise<Stepped | { readonly failed: string }>,
    stop,
  }
}
