/**
 * `npx tsx bench/memory.ts [batch] [rounds]`: memory and time of one gradient of ResNet-20 on CIFAR-10's shapes: the plain
 * sum, the clipped sum by book-keeping, and that of materialised gradients. Memory of a process only grows, so each has a
 * process of its own; their rounds take turns, back and forth, so that a machine whose speed drifts slows all alike. What idled
 * while the others had their turns is slow at first: a turn is one gradient that is not measured, and two that are, as in a training.
 */
import { fork } from 'node:child_process'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { crossEntropy, weightedGrad } from 'fp-dp/grad'
import { resNet20 } from 'fp-dp/models'
import { clippedGrad, flatClip } from 'fp-dp/privacy'
import { key, normal } from 'fp-dp/sampling'
import { cast, full, tensor, treeSize, wasm } from 'fp-dp/tensor'

const kinds = ['non-private', 'book-keeping', 'materialised'] as const
type Kind = (typeof kinds)[number]

interface Measured {
  /** Wall-clock milliseconds, and milliseconds of processor time over all threads. */
  readonly wall: number
  readonly cpu: number
  /** In bytes: of the arena; of the process at most, and by how much that exceeds what it was before the first gradient. */
  readonly arena: number
  readonly resident: number
  readonly grown: number
}

const size = Number(process.argv[2] ?? 256)
const rounds = Number(process.argv[3] ?? 5)

/** Gradients of a turn that are measured, after one that is not. */
const MEASURED = 2

/** Answers each message with one turn. */
const serve = (kind: Kind): void => {
  const backend = wasm()
  const model = resNet20()
  const { params } = model.init(key(0), [3, 32, 32])
  const batch = {
    input: cast('float32')(normal([size, 3, 32, 32])(key(1))),
    target: tensor(
      Array.from({ length: size }, (_, n) => n % 10),
      [size],
      'int32',
    ),
  }
  const ones = full(1, [size], 'float64')
  const plain = weightedGrad(crossEntropy, model, { backend })
  const [clipped, formed] = (['bookKeeping', 'materialised'] as const).map((plan) =>
    clippedGrad(crossEntropy, model, flatClip(1), { backend, plan }),
  ) as [ReturnType<typeof clippedGrad>, ReturnType<typeof clippedGrad>]
  const run = {
    'non-private': () => plain(params, batch, ones),
    'book-keeping': () => clipped(params, batch),
    materialised: () => formed(params, batch),
  }[kind]
  const atFirst = process.memoryUsage.rss()
  process.on('message', () => {
    let [began, before] = [performance.now(), process.cpuUsage()]
    try {
      run()
      ;[began, before] = [performance.now(), process.cpuUsage()]
      for (let i = 0; i < MEASURED; i++) run()
    } catch (error) {
      process.send?.({ failed: (error as Error).message })
      return
    }
    const { user, system } = process.cpuUsage(before)
    const resident = process.resourceUsage().maxRSS * 1024
    const measured: Measured = {
      wall: (performance.now() - began) / MEASURED,
      cpu: (user + system) / 1000 / MEASURED,
      arena: backend.peakBytes(),
      resident,
      grown: resident - atFirst,
    }
    process.send?.(measured)
  })
  process.send?.('ready')
}

const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(share * values.length)] as number
const median = (values: readonly number[]): number => quantile(values, 0.5)

const host = async (): Promise<void> => {
  const script = fileURLToPath(import.meta.url)
  const answer = (child: ReturnType<typeof fork>): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`a process ended with ${code}`))
      child.once('exit', ended)
      child.once('message', (message) => {
        child.off('exit', ended)
        resolve(message)
      })
    })
  const workers = await Promise.all(
    kinds.map(async (kind) => {
      const child = fork(script, [`${size}`, `${rounds}`, kind])
      await answer(child)
      return { kind, child, measured: [] as Measured[] }
    }),
  )
  const failures = new Map<Kind, string>()
  for (let round = -1; round < rounds; round++)
    for (const { kind, child, measured } of round % 2 === 0 ? workers : workers.toReversed()) {
      if (failures.has(kind)) continue
      child.send('go')
      const found = (await answer(child)) as Measured | { readonly failed: string }
      if ('failed' in found) failures.set(kind, found.failed)
      else if (round >= 0) measured.push(found)
    }
  for (const { child } of workers) child.kill()
  const parameters = treeSize(resNet20().init(key(0), [3, 32, 32]).params)
  console.log(
    `${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.version}, load average ${loadavg()[0]?.toFixed(2)}`,
  )
  console.log(`ResNet-20, ${parameters} parameters, batch ${size}, medians of ${rounds} rounds`)
  console.log('gradient        median ms  least ms  ms of processors  MiB: arena  process, beyond its start')
  const formed = workers.find(({ kind }) => kind === 'materialised')?.measured ?? []
  for (const { kind, measured } of workers) {
    const failed = failures.get(kind)
    if (failed !== undefined) {
      console.log(`${kind.padEnd(15)} ${failed}`)
      continue
    }
    const of = (read: (m: Measured) => number): number => median(measured.map(read))
    const least = Math.min(...measured.map((m) => m.wall))
    const memory = [of((m) => m.arena), of((m) => m.resident), of((m) => m.grown)].map((bytes) => bytes / 2 ** 20)
    const cells = [of((m) => m.wall), least, of((m) => m.cpu), ...memory].map((cell) => cell.toFixed(0))
    const widths = [9, 9, 17, 11, 8, 17]
    console.log(`${kind.padEnd(15)} ${cells.map((cell, at) => cell.padStart(widths[at] as number)).join(' ')}`)
  }
  for (const { kind, measured } of workers) {
    const ratios = measured.map(({ wall }, round) => wall / (formed[round]?.wall ?? Number.NaN))
    if (kind === 'materialised' || !ratios.every((ratio) => ratio > 0)) continue
    const [low, middle, high] = [1, 2, 3].map((quarter) => quantile(ratios, quarter / 4).toFixed(3))
    console.log(
      `${kind}: ${middle} of the time of materialised gradients, round by round (quartiles ${low} and ${high})`,
    )
  }
}

const kind = kinds.find((name) => name === process.argv[4])
if (kind === undefined) await host()
else serve(kind)
