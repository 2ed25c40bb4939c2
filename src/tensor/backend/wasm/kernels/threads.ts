/**
 * How threads share out the chunks of a job.
 *
 * Each thread has a range of neighbouring chunks, the same part of every job, so that it finds in its cache what it left there; who
 * is done helps the next, from the far end of its range. Every other job is gone through backwards: it begins with what the one before
 * it made last.
 *
 * A range is one word, of which a chunk is taken by a compare and exchange: who succeeds owns the chunk. Ranges are filled only
 * after the arguments are in place, and the host does not return before `COMPLETED` = parts, so whoever owns a chunk reads the
 * arguments of that chunk's job. A thread that comes late finds all ranges empty, or takes from those of the next job.
 */
import { run } from './run'

/** One cache line each, in the control page. */
const COMPLETED: usize = 128
const EPOCH: usize = 192
const SLEEPERS: usize = 256
const READY: usize = 320
const STOP: usize = 384
/** The kernel, or its complement where the job is gone through backwards; how many ranges there are. */
const KERNEL: usize = 448
const RANGES: usize = 512
/** Where the ranges are, a cache line each, below the constants: the first chunk, and above 2³² the one after the last. */
const RANGE: usize = 2048
const MOST_RANGES: i32 = 16

/** How often an idle worker looks for work before it sleeps: 100 to 200 µs, where a virtual machine takes 60 to wake it. */
const SPINS: i32 = 100000

/** Is this job gone through backwards? */
let backwards: bool = false

/**
 * Runs every chunk of a kernel: on this thread alone (`help` = 0), with the workers that are awake (1), or with all that are
 * ready (2).
 */
export function launch(kernel: i32, parts: i32, help: i32): void {
  backwards = !backwards
  if (ASC_FEATURE_THREADS) {
    const helpers = help === 0 ? 0 : atomic.load<i32>(READY) - (help === 1 ? atomic.load<i32>(SLEEPERS) : 0)
    if (helpers > 0 && parts > 1) {
      const ranges = min(min(helpers + 1, parts), MOST_RANGES)
      atomic.store<i32>(KERNEL, backwards ? ~kernel : kernel)
      atomic.store<i32>(RANGES, ranges)
      atomic.store<i32>(COMPLETED, 0)
      for (let i = 0; i < ranges; i++) {
        const first = (<i64>parts * i) / ranges
        const end = (<i64>parts * (i + 1)) / ranges
        atomic.store<i64>(rangeOf(i), first | (end << 32))
      }
      atomic.add<i32>(EPOCH, 1)
      if (help === 2 && atomic.load<i32>(SLEEPERS) > 0) atomic.notify(EPOCH, parts - 1)
      work(0)
      while (atomic.load<i32>(COMPLETED) < parts) {}
      return
    }
  }
  for (let i = 0; i < parts; i++) run(kernel, backwards ? parts - 1 - i : i, 0)
}

// @inline
function rangeOf(index: i32): usize {
  return RANGE + ((<usize>index) << 6)
}

/** Takes the first or the last chunk of a range; −1 where it is empty. */
function take(range: usize, isLast: bool): i32 {
  let found = atomic.load<i64>(range)
  while (<i32>found < <i32>(found >> 32)) {
    const left = isLast ? found - ((<i64>1) << 32) : found + 1
    const before = atomic.cmpxchg<i64>(range, found, left)
    if (before === found) return isLast ? <i32>(found >> 32) - 1 : <i32>found
    found = before
  }
  return -1
}

/** Runs chunks until none is left: this thread's, and then what others have left of theirs. */
function work(thread: i32): void {
  const ranges = atomic.load<i32>(RANGES)
  for (let i = 0; i < ranges; i++) {
    const range = rangeOf((thread + i) % ranges)
    for (;;) {
      const isBackwards = atomic.load<i32>(KERNEL) < 0
      const chunk = take(range, i === 0 ? isBackwards : !isBackwards)
      if (chunk < 0) break
      const kernel = atomic.load<i32>(KERNEL)
      run(kernel < 0 ? ~kernel : kernel, chunk, thread)
      atomic.add<i32>(COMPLETED, 1)
    }
  }
}

/** The life of a worker: look for chunks, spin a while, sleep until the next job. Returns when the host says stop. */
export function serve(thread: i32): void {
  if (ASC_FEATURE_THREADS) {
    atomic.add<i32>(READY, 1)
    let seen = 0
    while (atomic.load<i32>(STOP) === 0) {
      let spins = SPINS
      while (atomic.load<i32>(EPOCH) === seen && --spins > 0) {}
      if (spins > 0) {
        seen = atomic.load<i32>(EPOCH)
        work(thread)
        continue
      }
      // A job published since the last look has another epoch, and ends the wait at once.
      atomic.add<i32>(SLEEPERS, 1)
      if (atomic.load<i32>(STOP) === 0) atomic.wait<i32>(EPOCH, seen, -1)
      atomic.sub<i32>(SLEEPERS, 1)
    }
    atomic.sub<i32>(READY, 1)
  }
}

/** Sends every worker home. */
export function dismiss(): void {
  if (ASC_FEATURE_THREADS) {
    atomic.store<i32>(STOP, 1)
    atomic.add<i32>(EPOCH, 1)
    atomic.notify(EPOCH, -1)
  }
}
