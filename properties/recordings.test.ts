/**
 * What a body asked of a backend, asked again for other tensors without running the body: the numbers are those of the body.
 */
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import {
  crossEntropy,
  linear,
  named,
  type PerSampleGradients,
  perSampleSquaredNorm,
  repeat,
  sequential,
  tanh,
  weightedGrad,
} from '../src/grad/index.js'
import { partByPart } from '../src/grad/part-by-part.js'
import { byLayer, clippedGradWithDiagnostics, flatClip, perGroupClip } from '../src/privacy/index.js'
import { key } from '../src/sampling/index.js'
import type { Backend, Recording } from '../src/tensor/backend/backend.js'
import { wasm, wasmStrandByStrand } from '../src/tensor/backend/wasm/index.js'
import { ownElements, type Tensor, tensor, toArray, unsafeTensor, zeros } from '../src/tensor/tensor.js'
import { inputsOf, modelsWithBatches, program, programs, samplesOfProgram } from './arbitraries/program.js'
import { noise } from './arbitraries/tensor.js'
import { expectSameBits } from './laws/purity.js'

const backends = [
  ['on one thread', wasm({ threads: 1 })],
  ['by two threads', wasm({ threads: 2 })],
  ['strand by strand', wasmStrandByStrand('lastFirst')],
] as const
const [[, single]] = backends
afterAll(() => {
  for (const [, backend] of backends) backend.close()
})

type Record = Required<Backend>['record']

/** The same backend, which counts what is recorded and what is done again. */
const counted = (backend: Backend): { readonly on: Backend; readonly counts: { recorded: number; again: number } } => {
  const counts = { recorded: 0, again: 0 }
  const record: Record = (inputs, body) => {
    counts.recorded++
    const { result, again } = (backend.record as Record)(inputs, body)
    if (again === undefined) return { result }
    return {
      result,
      again: (others) => {
        counts.again++
        return again(others)
      },
    }
  }
  return { on: { ...backend, record }, counts }
}

/** The numbers of now. */
const kept = (t: Tensor): Tensor => unsafeTensor(ownElements(t.dtype, t), t.shape)

/** The same backend, which runs the body each time. */
const unrecorded = (backend: Backend): Backend => {
  const { record: _, ...others } = backend
  return others
}

describe.each(backends)('%s', (_, backend) => {
  const record = backend.record as Record

  it('a program done again has the bits of the program', () => {
    fc.assert(
      fc.property(samplesOfProgram, programs, programs, (samples, steps, others) => {
        const seeds = [0, 10, 20]
        const both = (seed: number): unknown => {
          const [first, ...rest] = inputsOf(samples, seed) as [Tensor, ...Tensor[]]
          const one = single.scope(() => program(single, steps)([first, ...rest]))
          return [one, single.scope(() => program(single, others)([one, ...rest]))]
        }
        const found = backend.scope(() => {
          const first = record(inputsOf(samples), program(backend, steps))
          // What is made in between is not written over, nor does it write over what is made again.
          const between = backend.map('neg', first.result)
          const second = record([first.result, ...inputsOf(samples).slice(1)], program(backend, others))
          const own = [kept(first.result), kept(second.result)]
          const again = seeds.slice(1).map((seed) =>
            backend.scope(() => {
              const temporary = backend.map('tanh', noise([samples, 3000]))
              const before = kept(temporary)
              expect(first.again?.(inputsOf(samples, seed))).toBe(true)
              const one = kept(first.result)
              expect(second.again?.([first.result, ...inputsOf(samples, seed).slice(1)])).toBe(true)
              expectSameBits(temporary, before)
              return [one, kept(second.result)]
            }),
          )
          expectSameBits(kept(backend.map('neg', between)), own[0])
          return [own, ...again]
        })
        expectSameBits(found, seeds.map(both))
      }),
      { numRuns: 40 },
    )
  })

  it('a body that looks at a number has to be run', () => {
    const looking = (look: (x: Tensor, y: Tensor) => unknown): Recording<Tensor> =>
      backend.scope(() =>
        record([noise([4, 3])], ([x]) => {
          const y = backend.map('tanh', x as Tensor)
          look(x as Tensor, y)
          return backend.zip('add', x as Tensor, y)
        }),
      )
    expect(looking(() => undefined).again).toBeDefined()
    expect(looking((x) => x.data[0]).again).toBeUndefined()
    expect(looking((_, y) => y.data[0]).again).toBeUndefined()
    // What a scope leaves is moved.
    expect(looking((_, y) => backend.scope(() => backend.map('tanh', y))).again).toBeUndefined()
    // What is recorded within a recording is part of it.
    const inner: unknown[] = []
    const outer = looking((x) => inner.push(record([x], ([own]) => backend.map('tanh', own as Tensor)).again))
    expect([outer.again === undefined, inner]).toEqual([false, [undefined]])
  })

  it.each([
    [
      'is given up',
      (x: Tensor) => {
        const y = backend.map('tanh', x)
        const sums = backend.sum(y, [1, 2, 3])
        backend.release?.(y)
        return sums
      },
    ],
    [
      'is needed for a while',
      (x: Tensor) =>
        backend.conv2dWeightedGrad(x, x, noise([64]), {
          ...{ kernel: [3, 3], stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 },
        }),
    ],
  ] as const)('what is made in between is not where a recording has what %s', (_, body) => {
    backend.scope(() => {
      const own = backend.map('tanh', noise([64, 8, 8, 8], { seed: 3 }))
      const { again } = record([noise([64, 8, 8, 8])], ([x]) => body(x as Tensor))
      const between = [backend.map('neg', own), backend.map('square', own)]
      const before = between.map(kept)
      expect(again?.([noise([64, 8, 8, 8], { seed: 9 })])).toBe(true)
      expectSameBits(between, before)
    })
  })

  it('other shapes, other types and a scope that has ended are refused', () => {
    const inputs = [noise([4, 3]), zeros([4], 'int32')]
    const body = ([x, y]: readonly Tensor[]): Tensor => backend.scaleRows(y as Tensor, x as Tensor)
    let kept: Recording<Tensor> | undefined
    backend.scope(() => {
      const { again } = record(inputs, body)
      expect(again?.([noise([4, 3]), zeros([4], 'int32')])).toBe(true)
      expect(again?.([noise([5, 3]), zeros([5], 'int32')])).toBe(false)
      expect(again?.([noise([4, 3]), zeros([4])])).toBe(false)
      expect(again?.([noise([4, 3])])).toBe(false)
      kept = backend.scope(() => {
        const inner = record(inputs, body)
        expect(inner.again?.(inputs)).toBe(true)
        return { ...inner, result: zeros([1]) }
      })
      expect(kept.again?.(inputs)).toBe(false)
      const whole = record(inputs, body)
      kept = { result: zeros([1]), ...(whole.again === undefined ? {} : { again: whole.again }) }
    })
    expect(kept?.again?.(inputs)).toBe(false)
    expect(record(inputs, body).again).toBeUndefined()
  })

  it.each(modelsWithBatches)(
    'a batch of %s in parts has the bits that it has where each part is run',
    (_, model, batchOf) => {
      const [, ...shape] = batchOf(1).input.shape
      const { params } = model.init(key(0), shape)
      for (const [size, numbersAtOnce] of [
        [12, 1],
        [17, 60_000],
      ] as const) {
        const batch = batchOf(size)
        const readings = (on: Backend): unknown => {
          const options = { backend: on, numbersAtOnce }
          return [
            clippedGradWithDiagnostics(crossEntropy, model, flatClip(1), options)(params, batch),
            weightedGrad(crossEntropy, model, options)(params, batch, noise([size], { dtype: 'float64' })),
            perSampleSquaredNorm(crossEntropy, model, options)(params, batch),
          ]
        }
        // A first time, so that memory has grown.
        expectSameBits(readings(backend), readings(unrecorded(single)))
        const { on, counts } = counted(backend)
        expectSameBits(readings(on), readings(unrecorded(single)))
        // JavaScript goes through a pass once for each reading. Where tokens are looked at, it goes through each part.
        const looks = batch.input.dtype === 'int32'
        if (numbersAtOnce > 1) expect(counts.again > 0).toBe(!looks)
        else if (looks) expect(counts.again).toBe(0)
        else expect(counts).toEqual({ recorded: 4 + 3 + 3, again: 11 * (4 + 3 + 3) })
      }
    },
  )
})

describe('a batch in parts', () => {
  const model = named({ blocks: repeat(3)(sequential(linear(16), tanh)), head: linear(3) })
  const { params } = model.init(key(0), [16])
  const batchOf = (numbers: Tensor) => ({
    input: numbers,
    target: tensor(
      Array.from({ length: numbers.shape[0] as number }, (_, n) => n % 3),
      [numbers.shape[0] as number],
      'int32',
    ),
  })
  /** Of 40 samples, in parts of four. */
  const numbersAtOnce = 4 * 120

  it.each(backends)('by groups: the bits of parts that are run, %s', (_, backend) => {
    const clip = perGroupClip({ l2ClipNorm: 1, group: byLayer })
    const readings = (on: Backend): unknown =>
      clippedGradWithDiagnostics(crossEntropy, model, clip, { backend: on, numbersAtOnce })(
        params,
        batchOf(noise([40, 16])),
      )
    const { on, counts } = counted(backend)
    expectSameBits(readings(on), readings(unrecorded(single)))
    expect(counts.again).toBeGreaterThan(10)
  })

  it.each(backends)('samples that are not finite are mended in their part, %s', (_, backend) => {
    fc.assert(
      fc.property(fc.array(fc.nat(39), { maxLength: 4 }), (spoilt) => {
        const numbers = toArray(noise([40, 16]))
        for (const n of spoilt) numbers[16 * n + 3] = Number.NaN
        const batch = batchOf(tensor(numbers, [40, 16]))
        const readings = (on: Backend) =>
          clippedGradWithDiagnostics(crossEntropy, model, flatClip(1), { backend: on, numbersAtOnce })(params, batch)
        const found = readings(backend)
        expect(found.diagnostics.value.nonFinite).toBe(new Set(spoilt).size)
        expectSameBits(found, readings(unrecorded(single)))
      }),
      { numRuns: 20 },
    )
  })

  it.each(backends)('where memory has to grow, all that was added up begins anew, %s', (_, { name }) => {
    const small = wasm({ threads: name.includes('1 thread') ? 1 : 2 })
    const sum = (on: Backend, growing: number): unknown =>
      partByPart(crossEntropy, model, { backend: on, numbersAtOnce })(params, batchOf(noise([40, 16])), () => {
        let [parts, samples] = [0, 0]
        return {
          use: ({ count, squaredNorm }: PerSampleGradients<typeof params>) => {
            const norm = squaredNorm()
            if (parts === growing) on.map('neg', noise([2_000_000]))
            return { count, norm }
          },
          accept: ({ count }) => {
            parts++
            samples += count
            return true
          },
          finish: (found) => {
            expect([parts, samples]).toEqual([found.length, 40])
            return found
          },
        }
      })
    expectSameBits(sum(small, 3), sum(unrecorded(single), -1))
    small.close()
  })

  it('a part may be read otherwise than the one before it', () => {
    const batch = batchOf(noise([40, 16]))
    const weightOf = ({ count }: PerSampleGradients<typeof params>): Tensor => noise([count], { dtype: 'float64' })
    const readings = (on: Backend, ways: readonly number[]): unknown => {
      let part = 0
      return partByPart(crossEntropy, model, { backend: on, numbersAtOnce })(params, batch, () => ({
        use: (gradients: PerSampleGradients<typeof params>) => {
          const read = [
            () => [gradients.squaredNorm(), gradients.weightedSum(weightOf(gradients))],
            () => [gradients.weightedSum(weightOf(gradients)), gradients.squaredNorm()],
            () => [gradients.grad()],
            () => [gradients.loss],
            () => [gradients.squaredNorm(), gradients.squaredNorm(), gradients.grad()],
          ][ways[part % ways.length] as number] as () => readonly unknown[]
          return read()
        },
        accept: () => ++part >= 0,
        finish: (found) => found,
      }))
    }
    fc.assert(
      fc.property(fc.array(fc.nat(4), { minLength: 1, maxLength: 10 }), (ways) => {
        for (const [, backend] of backends) expectSameBits(readings(backend, ways), readings(unrecorded(single), ways))
      }),
      { numRuns: 40 },
    )
  })
})
