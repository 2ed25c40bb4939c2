/**
 * How threads share out the chunks of a job.
 *
 * `REMAINING` counts down: who decrements it from r > 0 owns chunk r − 1. It turns positive only after the arguments are in
 * place, and the host does not return before `COMPLETED` = parts, so whoever owns a chunk reads the arguments of that
 * chunk's job. A thread that comes late finds r ≤ 0 and goes back to waiting.
 */
import { run } from './run'

/** One cache line each, in the control page. */
const REMAINING: usize = 64
const COMPLETED: usize = 128
const EPOCH: usize = 192
const SLEEPERS: usize = 256
const READY: usize = 320
const STOP: usize = 384
const KERNEL: usize = 448

/** How often an idle worker looks for work before it sleeps: 100 to 200 µs, where a virtual machine takes 60 to wake it. */
const SPINS: i32 = 100000

/**
 * Runs every chunk of a kernel: on this thread alone (`help` = 0), with the workers that are awake (1), or with all that are
 * ready (2).
 */
export function launch(kernel: i32, parts: i32, help: i32): void {
  if (ASC_FEATURE_THREADS) {
    const helpers = help === 0 ? 0 : atomic.load<i32>(READY) - (help === 1 ? atomic.load<i32>(SLEEPERS) : 0)
    if (helpers > 0 && parts > 1) {
      atomic.store<i32>(KERNEL, kernel)
      atomic.store<i32>(COMPLETED, 0)
      atomic.store<i32>(REMAINING, parts)
      atomic.add<i32>(EPOCH, 1)
      if (help === 2 && atomic.load<i32>(SLEEPERS) > 0) atomic.notify(EPOCH, parts - 1)
      work(0)
      while (atomic.load<i32>(COMPLETED) < parts) {}
      return
    }
  }
  for (let chunk = parts - 1; chunk >= 0; chunk--) run(kernel, chunk, 0)
}

/** Runs chunks until none is left. */
function work(thread: i32): void {
  for (;;) {
    const chunk = atomic.sub<i32>(REMAINING, 1) - 1
    if (chunk < 0) return
    run(atomic.load<i32>(KERNEL), chunk, thread)
    atomic.add<i32>(COMPLETED, 1)
  }
}

/** The life of a worker: look for chunks, spin a while, sleep until the next job. Returns when the host says stop. */
export function serve(thread: i32): void {
  if (ASC_FEATURE_THREADS) {
    atomic.add<i32>(READY, 1)
    while (atomic.load<i32>(STOP) === 0) {
      let spins = SPINS
      while (atomic.load<i32>(REMAINING) <= 0 && --spins > 0) {}
      if (spins > 0) {
        work(thread)
        continue
      }
      // The epoch is read before the last look, so that a job published in between ends the wait at once.
      const epoch = atomic.load<i32>(EPOCH)
      atomic.add<i32>(SLEEPERS, 1)
      if (atomic.load<i32>(REMAINING) <= 0 && atomic.load<i32>(STOP) === 0) atomic.wait<i32>(EPOCH, epoch, -1)
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
