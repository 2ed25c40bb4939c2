/**
 * How threads share out the chunks of a chain of jobs.
 *
 * A chain is cut at the same samples all along, into a strand for each thread. Of what jobs before it in the chain write, a chunk reads and
 * writes nothing but what belongs to its own samples (see `../chain.ts`): so a strand goes on to the next job as soon as its own chunks are
 * done, whatever the others do. Each thread works on its strand, and finds in its cache what it left there; who has nothing to do helps
 * another strand, from the far end of its range. Every other job is gone through backwards: it begins with what the one before it made last.
 *
 * A strand is one word: its job, and which chunks of it nobody has taken. A chunk is taken by a compare and exchange. Who succeeds owns it,
 * and the jobs stay as they are until it is done; who does the last of a strand's chunks of a job brings the strand to the next job. A
 * thread that comes late finds nothing to take, or takes from the next chain.
 */
import { begin, JOBS } from './arguments'
import { run } from './run'

/** One cache line each, in the control page. */
const DONE: usize = 128
const EPOCH: usize = 192
const SLEEPERS: usize = 256
const READY: usize = 320
const STOP: usize = 384
/** The job behind the last; how many strands there are. */
const END: usize = 448
const STRANDS: usize = 512
/** How many samples are before each strand. */
const SHARES: usize = 1024
/** Strands, a cache line each, below the constants: the word, and how many chunks of its job are not done. */
const STRAND: usize = 2048
const LEFT: usize = 8
const MOST_STRANDS: i32 = 16

/** Jobs: 64 arguments; the kernel; chunks; before sample s there are s · p/q of them, or q is 0; is it gone through backwards? */
const JOB: usize = 320
const KERNEL: usize = 256
const PARTS: usize = 260
const P: usize = 264
const Q: usize = 268
const BACKWARDS: usize = 272

/** How often an idle worker looks for work before it sleeps: 100 to 200 µs, where a virtual machine takes 60 to wake it. */
const SPINS: i32 = 100000

/** Was the last job gone through backwards? */
let backwards: bool = false

/**
 * Runs every chunk of the chain of some jobs: on this thread alone (`help` = 0), with the workers that are awake (1), or with all that are
 * ready (2). It has so many strands, or, where that is 0 because it is a single job, as many as there are threads.
 */
export function launch(first: i32, end: i32, strands: i32, help: i32): void {
  const parts = load<i32>(jobAt(first) + PARTS)
  direct(first, end)
  if (ASC_FEATURE_THREADS) {
    const helpers = help === 0 ? 0 : atomic.load<i32>(READY) - (help === 1 ? atomic.load<i32>(SLEEPERS) : 0)
    if (helpers > 0 && (strands > 0 || parts > 1)) {
      if (strands === 0) strands = min(min(helpers + 1, parts), MOST_STRANDS)
      atomic.store<i32>(END, end)
      atomic.store<i32>(STRANDS, strands)
      atomic.store<i32>(DONE, 0)
      for (let strand = 0; strand < strands; strand++) advance(strand, first - 1)
      atomic.add<i32>(EPOCH, 1)
      if (help === 2 && atomic.load<i32>(SLEEPERS) > 0) atomic.notify(EPOCH, strands - 1)
      work(0)
      return
    }
  }
  for (let index = first; index < end; index++) runAll(jobAt(index), 0, load<i32>(jobAt(index) + PARTS))
}

/**
 * Runs a chain on this thread alone, one strand after the other, the last one first where that is asked for. What it leaves is what `launch`
 * leaves, if no strand depends on another.
 */
export function launchApart(first: i32, end: i32, strands: i32, lastFirst: bool): void {
  direct(first, end)
  for (let i = 0; i < strands; i++) {
    const strand = lastFirst ? strands - 1 - i : i
    for (let index = first; index < end; index++) {
      const job = jobAt(index)
      runAll(job, firstOf(job, strand, strands), firstOf(job, strand + 1, strands))
    }
  }
}

// @inline
function jobAt(index: i32): usize {
  return JOBS + <usize>index * JOB
}

// @inline
function strandAt(index: i32): usize {
  return STRAND + ((<usize>index) << 6)
}

/** Says of each job which way it is gone through. */
function direct(first: i32, end: i32): void {
  for (let index = first; index < end; index++) {
    backwards = !backwards
    store<i32>(jobAt(index) + BACKWARDS, backwards)
  }
}

function runAll(job: usize, first: i32, end: i32): void {
  const kernel = load<i32>(job + KERNEL)
  const isBackwards = load<i32>(job + BACKWARDS) !== 0
  begin(job)
  for (let i = first; i < end; i++) run(kernel, isBackwards ? first + end - 1 - i : i, 0)
}

/** The first chunk of a job that belongs to a strand. */
function firstOf(job: usize, strand: i32, strands: i32): i32 {
  const parts = load<i32>(job + PARTS)
  if (strand === strands) return parts
  const q = load<i32>(job + Q)
  if (q === 0) return <i32>((<i64>parts * strand) / strands)
  return <i32>min<i64>(parts, (<i64>load<i32>(SHARES + ((<usize>strand) << 2)) * load<i32>(job + P)) / q)
}

/** Brings a strand whose chunks of a job are done to the next job that it has chunks of. */
function advance(strand: i32, job: i32): void {
  const last = atomic.load<i32>(END)
  const strands = atomic.load<i32>(STRANDS)
  const at = strandAt(strand)
  for (job++; job < last; job++) {
    const first = firstOf(jobAt(job), strand, strands)
    const end = firstOf(jobAt(job), strand + 1, strands)
    if (first === end) continue
    atomic.store<i32>(at + LEFT, end - first)
    atomic.store<i64>(at, <i64>first | ((<i64>end) << 24) | ((<i64>job) << 48))
    return
  }
  atomic.add<i32>(DONE, 1)
}

/** Runs a chunk of a strand, the next or the one that would be its last; false where it has none to give. */
function runOne(strand: i32, isOwn: bool, thread: i32): bool {
  const at = strandAt(strand)
  for (;;) {
    const found = atomic.load<i64>(at)
    const first = <i32>(found & 0xffffff)
    const end = <i32>((found >> 24) & 0xffffff)
    if (first >= end) return false
    const index = <i32>(found >> 48)
    const job = jobAt(index)
    const isLast = (load<i32>(job + BACKWARDS) !== 0) === isOwn
    const left = isLast ? found - ((<i64>1) << 24) : found + 1
    if (atomic.cmpxchg<i64>(at, found, left) !== found) continue
    begin(job)
    run(load<i32>(job + KERNEL), isLast ? end - 1 : first, thread)
    if (atomic.sub<i32>(at + LEFT, 1) === 1) advance(strand, index)
    return true
  }
}

/** Runs chunks until all are done: of this thread's strand, and of others' while it has none to give. */
function work(thread: i32): void {
  while (atomic.load<i32>(DONE) < atomic.load<i32>(STRANDS)) {
    const strands = atomic.load<i32>(STRANDS)
    for (let i = 0; i < strands; i++) if (runOne((thread + i) % strands, i === 0, thread)) break
  }
}

/** The life of a worker: look for chunks, spin a while, sleep until the next chain. Returns when the host says stop. */
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
      // A chain published since the last look has another epoch, and ends the wait at once.
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
