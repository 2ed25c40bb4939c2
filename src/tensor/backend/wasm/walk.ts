/**
 * How strided views are walked: axes that lie one within the other are joined, and the innermost is a run.
 */
import type { Shape } from '../../shape.js'

/** One axis of several views at once; strides in elements. */
export interface Axis {
  readonly extent: number
  readonly stride: readonly number[]
}

/** Views of one shape: an innermost run, `step` apart in each view, and the axes around it. */
export interface Joined {
  readonly axes: readonly Axis[]
  readonly run: number
  readonly step: readonly number[]
}

/**
 * The innermost run of views of one shape, and the axes around it, as few as possible: neighbours that every view walks
 * through in one go are joined. Needs a shape without a 0.
 */
export const collapse = (shape: Shape, strides: readonly (readonly number[])[]): Joined => {
  const joined: Axis[] = []
  shape.forEach((extent, axis) => {
    if (extent === 1) return
    const stride = strides.map((s) => s[axis] as number)
    const outer = joined.at(-1)
    if (outer?.stride.every((step, view) => step === extent * (stride[view] as number)))
      joined.splice(-1, 1, { extent: outer.extent * extent, stride })
    else joined.push({ extent, stride })
  })
  const last = joined.pop()
  return { axes: joined, run: last?.extent ?? 1, step: last?.stride ?? strides.map(() => 1) }
}

/** The arguments of zip and of gather. */
export const zipArguments = (job: {
  readonly addresses: readonly [a: number, b: number, out: number]
  readonly op: number
  readonly run: number
  /** In bytes. */
  readonly steps: readonly [a: number, b: number]
  readonly part: number
  readonly units: number
  readonly unitsPerChunk: number
  readonly axes: readonly Axis[]
  /** What comes after it, as kernels number it. */
  readonly then?: number
}): readonly number[] => {
  const rank = job.axes.length
  if (rank > 16) throw new RangeError(`the wasm backend handles at most 17 axes that cannot be joined, not ${rank + 1}`)
  const list = (f: (axis: Axis) => number): readonly number[] => {
    const numbers = new Array<number>(16).fill(0)
    for (let axis = 0; axis < rank; axis++) numbers[axis] = f(job.axes[axis] as Axis)
    return numbers
  }
  return [
    ...job.addresses,
    job.op,
    job.run,
    ...job.steps,
    job.part,
    job.units,
    job.unitsPerChunk,
    rank,
    ...list(({ extent }) => extent),
    ...list(({ stride }) => 4 * (stride[0] as number)),
    ...list(({ stride }) => 4 * (stride[1] ?? 0)),
    job.then ?? 0,
  ]
}
