/**
 * What is to be done in linear memory, in the order it was asked for: done when somebody looks at a result. Until then JavaScript
 * goes on without kernels in between, which would put what it works on out of the cache.
 */
import type { Chain, Launch, Scratch } from './chain.js'

export interface Queue {
  /**
   * Does this after all that was asked for before. It must not depend on anything that may change by then. Where `target` is given, it reads
   * nothing from linear memory, and writes nothing else.
   */
  readonly later: (task: () => void, target?: ArrayBufferView) => void
  /** Runs a job after all that was asked for before. */
  readonly launch: (job: Launch, scratch: Scratch) => void
  /** Does all that was asked for, since somebody looks at a result. */
  readonly settle: () => void
  /** Does what a body asks for. What that was can be done again, but where the body looked at a result: it may then ask for something else. */
  readonly recorded: (body: () => void) => (() => void) | undefined
  /** Forgets what was asked for: nobody wants it any more. */
  readonly drop: () => void
}

/** So many tasks do not wait for a reader. */
const MOST = 1024

export const queue = (chain: Chain): Queue => {
  let waiting: (() => void)[] = []
  let isPerforming = false
  let isLookedAt = false
  const perform = (): void => {
    if (waiting.length === 0) return
    const tasks = waiting
    waiting = []
    isPerforming = true
    try {
      for (const task of tasks) task()
    } finally {
      isPerforming = false
    }
    chain.run()
  }
  const settle = (): void => {
    // A task reads what has been made before it.
    if (isPerforming) return
    isLookedAt = true
    perform()
  }
  const wait = (task: () => void): void => {
    waiting.push(task)
    if (waiting.length === MOST) perform()
  }
  return {
    later: (task, target) => wait(() => chain.perform(task, target)),
    launch: (job, scratch) => wait(() => chain.add(job, scratch)),
    settle,
    recorded: (body) => {
      perform()
      isLookedAt = false
      const again = chain.recorded(() => {
        body()
        perform()
      })
      return isLookedAt ? undefined : again
    },
    drop: () => {
      waiting = []
      chain.drop()
    },
  }
}
