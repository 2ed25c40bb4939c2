/**
 * Jobs that threads go through without waiting for each other: those whose chunks work on samples of their own.
 *
 * A job of which that is not known, or that needs what other samples' chunks make, runs when all before it are done, and before all after
 * it. Whether that is so follows from addresses: two jobs may be in one chain if what the one writes is apart from what the other reads and
 * writes, or the same tensor, shared out alike. What is apart from all jobs of a chain, such as the copy of a parameter or its filters, runs
 * before them, so that it does not end the chain.
 */

/** Arguments of a kernel, at most; behind them it is told where the scratch of a thread is. */
export const ARGUMENT_COUNT = 62

/** How chunks are shared out: before sample s of so many there are s · p/q of them, at samples where that is a whole number. */
export interface Split {
  readonly samples: number
  readonly p: number
  readonly q: number
}

/** What a job works on, as addresses and bytes: [address, bytes, address, bytes, …]. */
export interface Footprint {
  /** How `reads` and `writes` are shared out by chunks, each of which works on what its samples have in a tensor; missing if they are not. */
  readonly split?: Split
  readonly reads: readonly number[]
  readonly writes: readonly number[]
  /** What every chunk may read. */
  readonly common?: readonly number[]
}

/** The largest power of 2 up to that: chunks of so many units end where chains are cut. */
export const powerUpTo = (most: number): number => 2 ** Math.floor(Math.log2(Math.max(1, most)))

/** How many of so many rows, each of little work, a chunk has: at most that, and few enough that a chain can be cut between chunks. */
export const rowsOfChunk = (rows: number, most: number): number => powerUpTo(Math.min(most, Math.max(8, rows / 8)))

/** How a kernel is run. */
export interface Launch {
  readonly kernel: number
  /** At most 62 numbers. */
  readonly arguments: readonly number[]
  /** Chunks that threads may take. */
  readonly parts: number
  /** Work in some unit of about a nanosecond of one thread; a little work stays on the calling thread. */
  readonly cost: number
  /** Bytes of scratch for each thread. */
  readonly scratch?: number
  /** What it works on, so that threads need not wait for each other; without, it runs after all jobs before it and before all behind it. */
  readonly footprint?: Footprint
}

/** Where the scratch of the first thread is, and how far it is to the next thread's. Where that passes, something else is there behind the job. */
export interface Scratch {
  readonly address: number
  readonly step: number
  readonly isPassing: boolean
}

/** What the module offers; see `kernels/threads.ts`. */
export interface Launcher {
  readonly launch: (first: number, end: number, strands: number, help: number) => void
  readonly launchApart: (first: number, end: number, strands: number, lastFirst: boolean) => void
}

export interface ChainOptions {
  readonly launcher: Launcher
  readonly threads: number
  /** Strands one after the other, on one thread: a chain whose strands depend on each other then leaves other numbers. */
  readonly apart?: 'firstFirst' | 'lastFirst'
}

export interface Chain {
  /** Runs a job after those before it, at the latest when the chain is run. */
  readonly add: (job: Launch, scratch: Scratch) => void
  /** Performs a task after the jobs before it, or before them where all that it does in linear memory is to write a target apart from them. */
  readonly perform: (task: () => void, target?: ArrayBufferView) => void
  readonly run: () => void
  readonly drop: () => void
  /** Runs a body, which begins and ends with nothing that waits: what that had done can be done again. */
  readonly recorded: (body: () => void) => () => void
  /** The memory has another buffer. */
  readonly move: (buffer: ArrayBufferLike) => void
  /** From now on there is one thread. */
  readonly close: () => void
}

/** Jobs in the control page, in numbers of 32 bits, and where shares are; as `kernels/threads.ts` has them. */
const JOBS = 32768 / 4
const JOB = 80
const SHARES = 1024 / 4
const MOST_JOBS = 96
/** A job has at most 62, one for each argument. */
const MOST_RANGES = 62 * MOST_JOBS
const MOST_STRANDS = 16
const MOST_CHUNKS = 2 ** 24

/** What was done: a task, or jobs that were run, with how they were cut. */
type Step = (() => void) | RecordedJobs
interface RecordedJobs {
  /** As they stood in the control page. */
  readonly words: Int32Array
  readonly jobs: number
  readonly strands: number
  readonly shares: readonly number[]
  /** What they cost; 0 where nobody is to help. */
  readonly work: number
}

/** Work below which it does not pay to share it with threads that are awake, and to wake those that sleep. */
const WORTH_SHARING = 10_000
export const WORTH_WAKING = 150_000

/** Of a range of addresses: is it written, and is it read or written by whom it does not belong to? */
const WRITTEN = 1
const WHOLE = 2

export const chainOf = (buffer: ArrayBufferLike, { launcher, threads, apart }: ChainOptions): Chain => {
  let control = new Int32Array(buffer, 0, 65536 / 4)
  let isClosed = false
  /** Jobs that wait, what they cost, and what they work on: from, to, and which kind. */
  let count = 0
  let cost = 0
  const ranges = new Float64Array(3 * MOST_RANGES)
  let used = 0
  /** How the chain is cut: its samples, and how many are before each strand. */
  let samples = 0
  const strands = apart === undefined ? Math.min(threads, MOST_STRANDS) : 3
  const shares = new Array<number>(strands).fill(0)

  const put = (job: Launch, scratch: Scratch, index: number, p: number, q: number): void => {
    const at = JOBS + JOB * index
    control.set(job.arguments, at)
    control[at + ARGUMENT_COUNT] = scratch.address
    control[at + ARGUMENT_COUNT + 1] = scratch.step
    control[at + 64] = job.kernel
    control[at + 65] = job.parts
    control[at + 66] = p
    control[at + 67] = q
  }

  /** Of a recording, what has been done so far. */
  let steps: Step[] | undefined

  /** Runs the jobs that stand in the control page from `first` on. */
  const start = (first: number, jobs: number, cut: number, work: number): void => {
    if (steps !== undefined) {
      const [from, to] = [JOBS + JOB * first, JOBS + JOB * (first + jobs)]
      steps.push({ words: control.slice(from, to), jobs, strands: cut, shares: shares.slice(), work })
    }
    if (cut > 0 && apart !== undefined) launcher.launchApart(first, first + jobs, cut, apart === 'lastFirst')
    else launcher.launch(first, first + jobs, cut, helpFor(work))
  }

  const again = ({ words, jobs, strands: cut, shares: before, work }: RecordedJobs): void => {
    control.set(words, JOBS)
    if (cut > 0) control.set(before, SHARES)
    start(0, jobs, cut, work)
  }

  const recorded: Chain['recorded'] = (body) => {
    const own: Step[] = []
    steps = own
    try {
      body()
    } finally {
      steps = undefined
    }
    return () => {
      for (const step of own)
        if (typeof step === 'function') step()
        else again(step)
    }
  }

  const helpFor = (work: number): number =>
    threads === 1 || isClosed || work < WORTH_SHARING ? 0 : work < WORTH_WAKING ? 1 : 2

  const run = (): void => {
    if (count === 0) return
    const [jobs, work] = [count, cost]
    drop()
    control.set(shares, SHARES)
    start(0, jobs, strands, work)
  }

  const drop = (): void => {
    count = 0
    cost = 0
    used = 0
  }

  /** Runs a job alone, whatever waits. */
  const runNow = (job: Launch, scratch: Scratch): void => {
    put(job, scratch, count, 0, 0)
    start(count, 1, 0, job.parts < MOST_CHUNKS ? job.cost : 0)
  }

  const clashes = (from: number, to: number, kind: number): boolean => {
    for (let i = 0; i < used; i += 3) {
      if ((ranges[i] as number) >= to || (ranges[i + 1] as number) <= from) continue
      const either = kind | (ranges[i + 2] as number)
      if ((either & WRITTEN) === 0) continue
      if ((either & WHOLE) !== 0 || ranges[i] !== from || ranges[i + 1] !== to) return true
    }
    return false
  }

  const anyClashes = (list: readonly number[], kind: number): boolean => {
    for (let i = 0; i < list.length; i += 2)
      if (clashes(list[i] as number, (list[i] as number) + (list[i + 1] as number), kind)) return true
    return false
  }

  const note = (list: readonly number[], kind: number): void => {
    for (let i = 0; i < list.length; i += 2) {
      const from = list[i] as number
      ranges[used] = from
      ranges[used + 1] = from + (list[i + 1] as number)
      ranges[used + 2] = kind
      used += 3
    }
  }

  const isApart = ({ reads, writes, common }: Footprint, whole: typeof WHOLE | 0): boolean =>
    count === 0 ||
    !(
      anyClashes(writes, WRITTEN | whole) ||
      anyClashes(reads, whole) ||
      (common !== undefined && anyClashes(common, WHOLE))
    )

  /** Cuts a chain that begins with so many samples, where there are enough of them at multiples of 64, since some chunks have several. */
  const cut = (total: number): void => {
    if (total === samples) return
    samples = total
    let multiple = 64
    while (multiple > 1 && 4 * multiple * strands > total) multiple /= 2
    for (let strand = 0; strand < strands; strand++)
      shares[strand] = multiple * Math.round((total * strand) / strands / multiple)
  }

  /** p for the samples of the chain; 0 where a cut is not between chunks of this job. A chain of no jobs is cut anew. */
  const chunksOf = (split: Split): number => {
    if (count === 0) cut(split.samples)
    const ratio = split.samples / samples
    if (!Number.isInteger(ratio)) return 0
    const p = split.p * ratio
    for (let strand = 1; strand < strands; strand++) if (((shares[strand] as number) * p) % split.q !== 0) return 0
    return p
  }

  const add = (job: Launch, scratch: Scratch): void => {
    const { footprint } = job
    if (strands === 1 || footprint === undefined || scratch.isPassing) {
      run()
      runNow(job, scratch)
      return
    }
    const { split } = footprint
    if (split === undefined || split.samples < 2 * strands || job.parts >= MOST_CHUNKS) {
      // Chunks that are shared out otherwise are not those of a strand.
      if (!isApart(footprint, WHOLE)) run()
      runNow(job, scratch)
      return
    }
    if (count === MOST_JOBS || !isApart(footprint, 0)) run()
    let p = chunksOf(split)
    if (p === 0 && count > 0) {
      run()
      p = chunksOf(split)
    }
    if (p === 0) {
      runNow(job, scratch)
      return
    }
    put(job, scratch, count, p, split.q)
    note(footprint.writes, WRITTEN)
    note(footprint.reads, 0)
    if (footprint.common !== undefined) note(footprint.common, WHOLE)
    count++
    cost += job.cost
  }

  const perform: Chain['perform'] = (task, target) => {
    if (target === undefined || clashes(target.byteOffset, target.byteOffset + target.byteLength, WRITTEN | WHOLE))
      run()
    steps?.push(task)
    task()
  }

  return {
    add,
    perform,
    run,
    drop,
    recorded,
    move: (moved) => {
      control = new Int32Array(moved, 0, 65536 / 4)
    },
    close: () => {
      isClosed = true
    },
  }
}
