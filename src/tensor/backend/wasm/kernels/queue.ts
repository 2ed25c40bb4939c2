/**
 * The control page: where the host leaves the arguments of a kernel, and how threads share out its chunks.
 *
 * A job is `parts` chunks. `REMAINING` counts down: who decrements it from r > 0 owns chunk r − 1. It turns positive only
 * after the arguments are in place, and the host does not return before `COMPLETED` = parts, so whoever owns a chunk reads
 * the arguments of that chunk's job. A thread that comes late finds r ≤ 0 and goes back to waiting.
 */

/** One cache line each. */
const REMAINING: usize = 64
const COMPLETED: usize = 128
const EPOCH: usize = 192
const SLEEPERS: usize = 256
const READY: usize = 320
const STOP: usize = 384
const KERNEL: usize = 448

/** Arguments of the running kernel, 32 bits each. */
const ARGUMENTS: usize = 1024

/** How often an idle worker looks for work before it sleeps: some tens of µs. */
const SPINS: i32 = 40000

// @ts-ignore: decorator
@inline
export function argument(index: i32): i32 {
  return load<i32>(ARGUMENTS + ((<usize>index) << 2))
}

/** An argument that is an address or a stride in bytes. */
// @ts-ignore: decorator
@inline
export function address(index: i32): usize {
  return load<usize>(ARGUMENTS + ((<usize>index) << 2))
}

/** Calls `run` with every chunk, on this thread and on every worker that is ready. */
// @ts-ignore: decorator
@inline
export function distribute(kernel: i32, parts: i32, shared: i32, run: (kernel: i32, chunk: i32, thread: i32) => void): void {
  if (ASC_FEATURE_THREADS) {
    if (shared && parts > 1 && atomic.load<i32>(READY) > 0) {
      atomic.store<i32>(KERNEL, kernel)
      atomic.store<i32>(COMPLETED, 0)
      atomic.store<i32>(REMAINING, parts)
      atomic.add<i32>(EPOCH, 1)
      if (atomic.load<i32>(SLEEPERS) > 0) atomic.notify(EPOCH, parts - 1)
      for (let chunk = take(); chunk >= 0; chunk = take()) {
        run(kernel, chunk, 0)
        atomic.add<i32>(COMPLETED, 1)
      }
      while (atomic.load<i32>(COMPLETED) < parts) {}
      return
    }
  }
  for (let chunk = parts - 1; chunk >= 0; chunk--) run(kernel, chunk, 0)
}

// @ts-ignore: decorator
@inline
function take(): i32 {
  return atomic.sub<i32>(REMAINING, 1) - 1
}

/** The life of a worker: look for chunks, spin a while, sleep until the next job. Returns when the host says stop. */
// @ts-ignore: decorator
@inline
export function serve(thread: i32, run: (kernel: i32, chunk: i32, thread: i32) => void): void {
  if (ASC_FEATURE_THREADS) {
    atomic.add<i32>(READY, 1)
    while (atomic.load<i32>(STOP) == 0) {
      let spins = SPINS
      while (atomic.load<i32>(REMAINING) <= 0 && --spins > 0) {}
      if (spins > 0) {
        for (let chunk = take(); chunk >= 0; chunk = take()) {
          run(atomic.load<i32>(KERNEL), chunk, thread)
          atomic.add<i32>(COMPLETED, 1)
        }
      } else {
        // The epoch is read before the last look, so that a job published in between wakes the wait at once.
        const epoch = atomic.load<i32>(EPOCH)
        atomic.add<i32>(SLEEPERS, 1)
        if (atomic.load<i32>(REMAINING) <= 0 && atomic.load<i32>(STOP) == 0) atomic.wait<i32>(EPOCH, epoch, -1)
        atomic.sub<i32>(SLEEPERS, 1)
      }
    }
    atomic.sub<i32>(READY, 1)
  }
}

/** Sends every worker home. */
// @ts-ignore: decorator
@inline
export function dismiss(): void {
  if (ASC_FEATURE_THREADS) {
    atomic.store<i32>(STOP, 1)
    atomic.add<i32>(EPOCH, 1)
    atomic.notify(EPOCH, -1)
  }
}
