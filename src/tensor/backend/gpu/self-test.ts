/**
 * Questions with known answers, which a device is asked before anything relies on it: a compiler of shaders that regroups sums,
 * or thinks that there are no NaN, would break a guarantee in silence.
 */
import type { Device, Handle } from './device.js'
import type { Resident } from './library.js'
import { clipParameters } from './private-sum.js'

/** What a device can be trusted with. */
export interface Abilities {
  /** Does it keep the digits that two floats know together? */
  readonly keepsPairs: boolean
  /** Does it give no weight to what is not finite, and never too much? */
  readonly clips: boolean
  /** Does it draw the variates of a key? */
  readonly draws: boolean
}

/** Numbers whose products and sums need more digits than a float has. */
const uneven = Float32Array.from({ length: 64 }, (_, i) => ((i % 2 === 0 ? 1 : -1) / (i + 3)) * 3 ** (i % 9))

/** A key, and some of its first 4096 variates: the ends among them, and one near the middle. */
export const knownKey: readonly [number, number] = [0x243f6a88, 0x85a308d3]
export const knownVariates: readonly (readonly [place: number, variate: number])[] = [
  [0, -0.13412621544503447],
  [1, -0.0980551998899446],
  [2, -2.058359809781126],
  [385, -1.4194249416747782],
  [543, 1.4334689608816544],
  [1184, 3.4652751743549026],
  [1941, -0.00016147351286916248],
  [1984, -3.458312520010028],
  [4095, -0.6777929852712629],
]

export const abilitiesOf = async (device: Device): Promise<Abilities> => {
  const made: Handle[] = []
  const kept = (handle: Handle): Handle => {
    made.push(handle)
    return handle
  }
  const upload = (numbers: ArrayLike<number>): Handle => kept(device.upload(Float32Array.from(numbers)))
  const ask = async (
    kernel: Parameters<Device['launch']>[0]['kernel'],
    operands: readonly Handle[],
    parameters: readonly number[],
    length: number,
  ): Promise<Float32Array> => device.read(kept(device.launch({ kernel, operands, parameters, length })))

  const numbers = upload(uneven)
  const [high = 0, low = 0] = await ask('partDots', [numbers, numbers], [uneven.length, uneven.length, 1, 1], 2)
  const square = uneven.reduce((sum, x) => sum + x * x, 0)
  const two = [uneven.length, uneven.length]
  const [together = 0] = device.hasGroups ? await ask('squaredNorms', [numbers, numbers], [1, ...two], 1) : [2 * square]

  const [bound, stability] = [0.75, 0.01]
  const squares = Float32Array.from([0, 1e-30, 0.25, 1, 1234.5, 1e37, Infinity, Number.NaN])
  const parameters = clipParameters(10, { rule: 'flat', l2ClipNorm: bound, stability })
  const weights = await ask('clipWeights', [upload(squares)], parameters, squares.length)
  const fits = weights.every((weight, i) => {
    const s = squares[i] as number
    return Number.isFinite(s) ? weight > 0 && weight * Math.sqrt(s) <= bound : weight === 0
  })
  const rows = upload([Number.NaN, 2, Number.POSITIVE_INFINITY, 3])
  const sums = await ask('clippedRowSum', [upload([0, 0.5, 0, 1]), rows], [4, 1], 1)

  const halves = knownKey.flatMap((word) => [word >>> 16, word & 0xffff])
  const drawn = await ask('addNormals', [upload(new Float32Array(4096))], [...halves, 1], 4096)
  for (const handle of made) device.release(handle as Resident)
  return {
    keepsPairs: Math.abs(high + low - square) <= 2 ** -40 * square && low !== 0,
    clips: fits && sums[0] === 4 && Math.abs(together / (2 * square) - 1) < 2 ** -20,
    draws: knownVariates.every(([place, variate]) => Math.abs((drawn[place] as number) - variate) < 1e-5),
  }
}
