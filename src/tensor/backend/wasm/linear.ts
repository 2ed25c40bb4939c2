/**
 * What mechanisms and optimizers ask of the tensors of a scope: sums with factors, normal noise, and formulas.
 */
import type { Home } from '../../home.js'
import { sizeOf } from '../../shape.js'
import { size, storageOf, type Tensor } from '../../tensor.js'
import { rowsOfChunk } from './chain.js'
import type { Device } from './device.js'
import { kernel } from './kernel.js'
import { pieces } from './pieces.js'

/** Elements of a chunk. */
const PART = 8192

/** Numbers that are looked at in one go, and how many such pieces a launch has. */
const PIECE = 65536
const PIECES = 30

/** Pairs of operands that a launch has arguments for. */
const PAIRS = 14

/** A pair of operands, the second of which may be missing: 0. */
interface Pair {
  readonly x: number
  readonly y: number
  readonly out: number
  readonly count: number
}

/** Bytes that the noise of a chunk needs: 1024 words of 64 bits, their variates, and which of them are tails. */
const NOISE_SCRATCH = 24 * 1024

/** Bytes of 128 numbers, which an instruction of a formula works on at once. */
const PLACE = 1024

/** A float64 as two arguments. */
const words = (x: number): readonly [low: number, high: number] => {
  double[0] = x
  return [halves[0] as number, halves[1] as number]
}
const double = new Float64Array(1)
const halves = new Int32Array(double.buffer)

export const linear = (device: Device): Home => {
  const combine = (a: number, b: number, pairs: readonly Pair[]): void => {
    for (const some of pieces(pairs, PAIRS))
      device.launch({
        kernel: kernel.combine,
        arguments: [...words(a), ...words(b), PART, ...some.flatMap(({ x, y, out, count }) => [x, y, out, count])],
        parts: some.reduce((sum, { count }) => sum + Math.ceil(count / PART), 0),
        cost: some.reduce((sum, { count }) => sum + 0.7 * count, 0),
      })
  }
  const operand = (x: Tensor) => ({ x: device.dense(x), count: size(x), ...device.result('float32', x.shape) })
  return {
    scale: (factor, xs) => {
      const all = xs.map(operand)
      combine(
        factor,
        0,
        all.map(({ x, address, count }) => ({ x, y: 0, out: address, count })),
      )
      return all.map(({ tensor }) => tensor)
    },
    combine: (a, x, b, y) => {
      const [{ x: first, count, address, tensor }, second] = [operand(x), device.dense(y)]
      combine(a, b, [{ x: first, y: second, out: address, count }])
      return tensor
    },
    add: (into, factor, xs) => {
      const { x: from, address, tensor } = operand(into)
      let place = 0
      const pairs = xs.map((x) => {
        const [at, count] = [4 * place, size(x)]
        place += count
        return { x: from + at, y: device.dense(x), out: address + at, count }
      })
      combine(1, factor, pairs)
      return tensor
    },
    addNormals: (x, deviation, { cipher, words: state }) => {
      const from = device.dense(x)
      const { tensor, address } = device.result('float32', x.shape)
      const count = size(x)
      device.launch({
        kernel: kernel.noise,
        arguments: [from, address, ...words(deviation), count, PART, cipher === 'threefry' ? 0 : 1, ...state],
        parts: Math.ceil(count / PART),
        cost: 12 * count,
        scratch: NOISE_SCRATCH,
      })
      return tensor
    },
    compute: ({ inputs, constants, instructions, outputs }, tensors) => {
      const [{ shape, dtype }] = tensors
      const count = sizeOf(shape)
      const isDouble = dtype === 'float64'
      const from = tensors.map(isDouble ? device.doubles : device.dense)
      const results = outputs.map(() => device.result(isDouble ? 'float64' : 'float32', shape))
      const part = rowsOfChunk(count, PART)
      const bytes = (isDouble ? 8 : 4) * count
      device.launch({
        kernel: kernel.formula,
        arguments: [
          ...[count, part, isDouble ? 8 : 4, inputs, constants.length, instructions.length, outputs.length],
          ...[...from, ...results.map(({ address }) => address), ...outputs, ...constants.flatMap(words)],
          ...instructions.map(({ operation, left, right }) => operation | (left << 8) | (right << 16)),
        ],
        parts: Math.ceil(count / part),
        cost: count * instructions.length * 0.3,
        scratch: (inputs + constants.length + instructions.length) * PLACE,
        footprint: {
          split: { samples: count, p: 1, q: part },
          reads: from.flatMap((address) => [address, bytes]),
          writes: results.flatMap(({ address }) => [address, bytes]),
        },
      })
      return results.map(({ tensor }) => tensor)
    },
    allFinite: (xs) =>
      device.arena.temporarily(() => {
        const all = xs.flatMap((x) => {
          const [from, count] = [device.dense(x), size(x)]
          return Array.from({ length: Math.ceil(count / PIECE) }, (_, index) => {
            const first = index * PIECE
            return [from + 4 * first, Math.min(PIECE, count - first)] as const
          })
        })
        const { tensor, address } = device.result('int32', [all.length])
        pieces(all, PIECES).forEach((some, index) => {
          device.launch({
            kernel: kernel.finite,
            arguments: [address + 4 * PIECES * index, ...some.flat()],
            parts: some.length,
            cost: some.reduce((sum, [, count]) => sum + 0.2 * count, 0),
          })
        })
        return (storageOf(tensor) as Int32Array).every((verdict) => verdict === 1)
      }),
  }
}
