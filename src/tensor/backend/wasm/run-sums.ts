/**
 * Sums of what threads found each for itself.
 */
import type { Device } from './device.js'
import { kernel } from './kernel.js'

/** Σ of each run of `count` neighbours, in their order: float64 at `from` and `to`. The first term of each sum is 0. */
export const sumRuns = (device: Device, from: number, to: number, rows: number, count: number): void =>
  device.launch({ kernel: kernel.runSums, arguments: [from, to, rows, count], parts: 1, cost: 0 })
