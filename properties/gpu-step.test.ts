/**
 * A private step as one task: equal to the step of its parts, bounded, and read once; on devices that answer at once and on
 * one that takes its time.
 */
import fc from 'fast-check'
import { getOrElseW } from 'fp-ts/lib/Either.js'
import { afterAll, describe, expect, it } from 'vitest'
import { inMemory } from '../src/data/index.js'
import { onHost } from '../src/grad/index.js'
import { sgd } from '../src/optim/index.js'
import { clippedGradWithDiagnostics, flatClip, gaussian } from '../src/privacy/index.js'
import { chachaKey, key, normal, standardNormals } from '../src/sampling/index.js'
import { defaultBackend } from '../src/tensor/backend/default.js'
import { backendOn, type GpuBackend } from '../src/tensor/backend/gpu/backend.js'
import { type Device, deviceOf } from '../src/tensor/backend/gpu/device.js'
import { gpu, gpuOrWasm } from '../src/tensor/backend/gpu/index.js'
import { loadLibrary } from '../src/tensor/backend/gpu/library.js'
import { knownKey, knownVariates } from '../src/tensor/backend/gpu/self-test.js'
import { reference } from '../src/tensor/backend/reference.js'
import { scaleTensor } from '../src/tensor/elementwise.js'
import { sizeOf } from '../src/tensor/shape.js'
import { full, type Tensor, tensor, toArray, zeros } from '../src/tensor/tensor.js'
import { flatten as flattenTree, mapTree, type Tree } from '../src/tensor/tree.js'
import { concatenate, slice } from '../src/tensor/view.js'
import { accuracy, dpSgd, type GpuClip, gpuStep, train } from '../src/train/index.js'
import { cnn, gpuBatch, gpuClips, gpuModels, mlp, regression } from './arbitraries/gpu-model.js'
import { threefryKey } from './arbitraries/key.js'
import { large } from './arbitraries/large.js'
import { expectEqual, expectNear } from './laws/closeness.js'
import { expectSameBits } from './laws/purity.js'

const orThrow = getOrElseW((why: unknown): never => {
  throw new Error(JSON.stringify(why))
})

const library = orThrow(await loadLibrary())

/** The same device, as one that answers later. */
const patient = (device: Device): Device => ({
  ...device,
  answersAtOnce: false,
  upload: async (numbers) => device.upload(numbers),
  launch: async (job) => device.launch({ ...job, operands: await Promise.all(job.operands) }),
  read: async (handle) => device.read(await handle),
  release: () => undefined,
})

const reads = { count: 0 }
const counted = (device: Device): Device => ({
  ...device,
  read: (handle) => {
    reads.count++
    return device.read(handle)
  },
})

const backends: readonly (readonly [string, GpuBackend])[] = [
  ['cpu', await backendOn(counted(deviceOf(library, 'cpu')))],
  ['webasm', await backendOn(counted(deviceOf(library, 'webasm')))],
  ['a device that answers later', await backendOn(counted(patient(deviceOf(library, 'cpu'))))],
]

afterAll(() => {
  for (const [, backend] of backends) backend.close()
})

const norm = (tree: Tree): number => Math.sqrt(toArray(flattenTree(tree)).reduce((sum, x) => sum + x * x, 0))

/** Losses of weights and norms by at most 10⁻⁴ of themselves, and float32. */
const near = expectNear(3e-4)

for (const [name, backend] of backends)
  describe(`${name}: a step is one task`, () => {
    it.each(gpuModels.map((model) => [model.name, model] as const))(
      '%s: the clipped sum and the diagnostics of clippedGrad, and one read',
      async (_, model) => {
        for (const [clip, rule] of gpuClips) {
          const { params } = model.rule.init(key(1), model.input)
          const batch = gpuBatch(model, 6, 2)
          const step = orThrow(gpuStep({ backend, model: model.rule, loss: model.lossOn, clip, noiseMultiplier: 0 }))
          reads.count = 0
          const { released, diagnostics } = await step(params, batch, key(0))()
          expect(reads.count).toBe(1)
          const expected = clippedGradWithDiagnostics(model.loss, model.rule, rule, { backend: reference })(
            params,
            batch,
          )
          near(released.value, expected.bounded.sum)
          expect(released.event._tag).toBe('NonPrivate')
          near(
            [diagnostics.value.loss, diagnostics.value.norm],
            [expected.diagnostics.value.loss, expected.diagnostics.value.norm],
          )
        }
      },
    )

    it('parts, and a loss on the host, give the same sum', async () => {
      const model = cnn
      const { params } = model.rule.init(key(1), model.input)
      const settings = {
        backend,
        model: model.rule,
        clip: { rule: 'flat', l2ClipNorm: 0.5 },
        noiseMultiplier: 0,
      } as const
      const [whole, inParts, onTheHost] = await Promise.all(
        [
          { ...settings, loss: model.lossOn },
          { ...settings, loss: model.lossOn, physicalBatchSize: 2 },
          { ...settings, loss: onHost(model.loss) },
        ].map((options) => orThrow(gpuStep(options))(params, gpuBatch(model, 5, 3), key(0))()),
      )
      for (const other of [inParts, onTheHost]) {
        expectNear(1e-5)(other?.released.value as Tree, whole?.released.value as Tree)
        expectNear(1e-5)(other?.diagnostics.value.norm as Tensor, whole?.diagnostics.value.norm as Tensor)
      }
    })

    it('noise of a Threefry key is that of the mechanism, whatever the key', async () => {
      const model = mlp
      const { params } = model.rule.init(key(1), model.input)
      const clip = { rule: 'flat', l2ClipNorm: 0.25 } as const
      const options = { backend, model: model.rule, loss: model.lossOn, clip }
      const batch = gpuBatch(model, 4, 4)
      const { released: plain } = await orThrow(gpuStep({ ...options, noiseMultiplier: 0 }))(params, batch, key(0))()
      await fc.assert(
        fc.asyncProperty(threefryKey, async (noiseKey) => {
          const { released } = await orThrow(gpuStep({ ...options, noiseMultiplier: 3 }))(params, batch, noiseKey)()
          const bounded = { _tag: 'BoundedSum', sum: plain.value, l2Bound: 0.25 } as const
          const expected = gaussian(3)(noiseKey)(bounded)
          expectNear(1e-5)(released.value, expected.value)
          expect(released.event).toEqual(expected.event)
        }),
        { numRuns: 10 },
      )
    })

    it('noise of a ChaCha20 key is drawn on the host, by the mechanism itself', async () => {
      const model = regression
      const { params } = model.rule.init(key(1), model.input)
      const secret = chachaKey([1, 2, 3, 4, 5, 6, 7, 8])
      const options = { backend, model: model.rule, loss: model.lossOn, clip: { rule: 'flat', l2ClipNorm: 1 } } as const
      const batch = gpuBatch(model, 4, 4)
      const { released: plain } = await orThrow(gpuStep({ ...options, noiseMultiplier: 0 }))(params, batch, secret)()
      const { released } = await orThrow(gpuStep({ ...options, noiseMultiplier: 2 }))(params, batch, secret)()
      expect(released).toEqual(gaussian(2)(secret)({ _tag: 'BoundedSum', sum: plain.value, l2Bound: 1 }))
    })

    it('no sample alone is longer than C, at any scale', async () => {
      const scale = fc.integer({ min: -37, max: 37 }).map((exponent) => 10 ** exponent)
      const bound = fc
        .integer({ min: -39, max: 39 })
        .chain((e) => fc.double({ min: 1, max: 2, noNaN: true }).map((m) => m * 2 ** e))
      const chosen = fc.constantFrom(...gpuModels)
      await fc.assert(
        fc.asyncProperty(
          chosen,
          scale,
          bound,
          fc.boolean(),
          fc.nat(1000),
          async (model, factor, l2ClipNorm, flat, seed) => {
            const { params } = model.rule.init(key(seed), model.input)
            const { input, target } = gpuBatch(model, 1, seed)
            const clip: GpuClip = { rule: flat ? 'flat' : 'automatic', l2ClipNorm }
            const step = orThrow(gpuStep({ backend, model: model.rule, loss: model.lossOn, clip, noiseMultiplier: 0 }))
            const { released } = await step(params, { input: scaleTensor(factor)(input), target }, key(0))()
            expect(norm(released.value)).toBeLessThanOrEqual(l2ClipNorm)
          },
        ),
        { numRuns: 25 },
      )
    })

    it('a sample that is not finite, or has a label that is no class, adds zero, and is counted', async () => {
      const model = cnn
      const { params } = model.rule.init(key(1), model.input)
      const clean = gpuBatch(model, 4, 6)
      const options = { backend, model: model.rule, loss: model.lossOn, clip: { rule: 'flat', l2ClipNorm: 1 } } as const
      const step = orThrow(gpuStep({ ...options, noiseMultiplier: 0 }))
      const { released: expected } = await step(params, clean, key(0))()
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        const spoilt = tensor(new Float32Array(sizeOf(model.input)).fill(value), [1, ...model.input])
        const input = concatenate([spoilt, clean.input])
        const target = concatenate([slice({ axis: 0, end: 1 })(clean.target), clean.target])
        const { released, diagnostics } = await step(params, { input, target }, key(0))()
        expect(diagnostics.value.nonFinite).toBe(1)
        expectNear(1e-6)(released.value, expected.value)
      }
      const twice = concatenate([slice({ axis: 0, end: 1 })(clean.input), clean.input])
      const classes = concatenate([tensor([-1], [1], 'int32'), clean.target])
      const { released, diagnostics } = await step(params, { input: twice, target: classes }, key(0))()
      expect(diagnostics.value.nonFinite).toBe(1)
      expectNear(1e-6)(released.value, expected.value)
    })

    it('an empty batch is noise alone', async () => {
      const model = cnn
      const { params } = model.rule.init(key(1), model.input)
      const options = { backend, model: model.rule, loss: model.lossOn, clip: { rule: 'flat', l2ClipNorm: 1 } } as const
      const step = orThrow(gpuStep({ ...options, noiseMultiplier: 1 }))
      const { released, diagnostics } = await step(params, gpuBatch(model, 0, 1), key(9))()
      const none = mapTree((leaf) => zeros(leaf.shape))(params)
      expectNear(1e-5)(released.value, gaussian(1)(key(9))({ _tag: 'BoundedSum', sum: none, l2Bound: 1 }).value)
      expect([diagnostics.value.loss.shape, diagnostics.value.nonFinite]).toEqual([[0], 0])
    })

    it('variates far along a stream are those of the host', async () => {
      const count = 70_000
      const drawn = await backend.task(() =>
        backend.privateSums.addNormals([zeros([count])], [{ words: [0x80000001, 0xfffffffe], length: count }], 1),
      )()
      const expected = standardNormals(count)({ _tag: 'Threefry2x32', words: [0x80000001, 0xfffffffe] })
      const off = toArray(drawn[0] as Tensor).reduce(
        (most, z, i) => Math.max(most, Math.abs(z - (expected[i] as number))),
        0,
      )
      expect(off).toBeLessThan(5e-6)
    })

    it('says which parameters are out of range, all at once', () => {
      const { rule, lossOn } = mlp
      const made = gpuStep({
        backend,
        model: rule,
        loss: lossOn,
        clip: { rule: 'automatic', l2ClipNorm: 2 ** 41, stability: 0 },
        noiseMultiplier: -1,
        physicalBatchSize: 0.5,
      })
      const names = made._tag === 'Left' ? made.left.map(({ parameter }) => parameter) : []
      expect(names).toEqual(['clip.l2ClipNorm', 'clip.stability', 'noiseMultiplier', 'physicalBatchSize'])
    })
  })

describe('a device that answers later', () => {
  const [, later] = backends[2] as readonly [string, GpuBackend]
  const [, atOnce] = backends[0] as readonly [string, GpuBackend]

  it('computes within tasks what one that answers at once computes', async () => {
    for (const [, { inputs, apply }] of large.filter(([of]) =>
      /^(sum, axis|rowDots, 65|argmax|conv2dGram.*odd)/.test(of),
    ))
      expectSameBits(await later.task(() => apply(later)(...inputs))(), apply(atOnce)(...inputs))
  })

  it('runs a body again for each number that it looks at, and computes nothing twice', async () => {
    const x = normal([3, 4], 'float32')(key(1))
    let runs = 0
    const found = await later.task(() => {
      runs++
      const doubled = later.zip('add', x, x)
      const first = toArray(doubled)[0] as number
      const scaled = later.zip('mul', doubled, tensor([first], [1]))
      return [later.sum(scaled, [0, 1]), first] as const
    })()
    // once to the first number; then to the end, where the sum is fetched
    expect(runs).toBe(2)
    const numbers = toArray(x)
    const first = 2 * (numbers[0] as number)
    expect(found[1]).toBeCloseTo(first, 5)
    expect(toArray(found[0])[0]).toBeCloseTo(
      numbers.reduce((sum, value) => sum + 2 * value * first, 0),
      4,
    )
  })

  it('private gradients of every kind run as a task', async () => {
    const model = cnn
    const { params } = model.rule.init(key(1), model.input)
    const batch = gpuBatch(model, 5, 3)
    const gradOn = (backend: GpuBackend | typeof reference) =>
      clippedGradWithDiagnostics(model.loss, model.rule, flatClip(0.5), { backend })
    const grad = gradOn(later)
    const found = await later.task(() => grad(params, batch))()
    expectNear(1e-5)(found.bounded.sum, gradOn(reference)(params, batch).bounded.sum)
  })

  it('trains by a plan, evaluation included, to the bits of a device that answers at once', async () => {
    const { rule, input } = cnn
    const pixels = normal([60, ...input], 'float32')(key(7)).data
    const labels = Array.from({ length: 60 }, (_, i) => i % 3)
    const dataset = orThrow(inMemory({ pixels, labels, inputShape: input, classes: 3 }))
    const trained = async (backend: GpuBackend) => {
      const plan = orThrow(
        dpSgd({
          model: rule,
          loss: cnn.loss,
          inputShape: input,
          optimizer: sgd({ learningRate: 0.5, momentum: 0.9 }),
          clip: flatClip(0.5),
          noise: { noiseMultiplier: 0.5 },
          samplingProbability: 0.2,
          expectedBatchSize: 12,
          steps: 3,
          delta: 1e-5,
          backend,
        }),
      )
      const measured = accuracy(rule, { backend })
      const evaluate = (params: Tree): number => measured(params, dataset)
      let last: unknown
      const options = { from: plan.init(key(4)), evaluate, task: backend.task }
      for await (const { state, accuracy: share } of train(plan, dataset, options))
        last = [state.params, state.ledger, share]
      return last as readonly [Tree, unknown, number]
    }
    const [[params, ledger, share], [expected, sameLedger, sameShare]] = [await trained(later), await trained(atOnce)]
    expectEqual(params, expected)
    expect([ledger, share]).toEqual([sameLedger, sameShare])
    expect(share).toBeGreaterThan(0)
  })

  it('gives back what scopes leave where there is much, unless a body is run again', async () => {
    const there = { now: 0, most: 0 }
    const device = patient(deviceOf(library, 'cpu'))
    const lean = await backendOn(
      {
        ...device,
        upload: (numbers) => {
          there.now++
          return device.upload(numbers)
        },
        launch: (job) => {
          there.now++
          there.most = Math.max(there.most, there.now)
          return device.launch(job)
        },
        release: () => {
          there.now--
        },
      },
      { kept: 0 },
    )
    const x = normal([40], 'float32')(key(3))
    const body = (looks: boolean, backend: GpuBackend) => () =>
      Array.from({ length: 6 }, (_, i) =>
        backend.scope(() => {
          const y = backend.map('exp', backend.zip('mul', x, full(i / 6, [1])))
          const total = backend.sum(backend.map('square', y), [0])
          return looks && i % 2 === 0 ? backend.zip('mul', total, full(toArray(total)[0] as number, [1])) : total
        }),
      ).reduce((a, b) => backend.zip('add', a, b))
    for (const looks of [false, true]) {
      there.now = there.most = 0
      expectSameBits(await lean.task(body(looks, lean))(), body(looks, atOnce)())
      if (!looks) expect(there.most).toBeLessThan(12)
    }
  })

  it('says so where a number is looked at outside of a task', () => {
    expect(() => later.map('neg', zeros([3]))).toThrow(/compute within its task/)
  })

  it('is not disturbed by what others ask for while it waits', async () => {
    const x = normal([50], 'float32')(key(2))
    const waiting = later.task(() => {
      const y = later.map('exp', x)
      const total = toArray(later.sum(y, [0]))[0] as number
      return later.zip('div', y, tensor([total], [1]))
    })()
    for (let i = 0; i < 6; i++) {
      await Promise.resolve()
      expect(() => later.map('neg', x)).toThrow(/compute within its task/)
    }
    expect(toArray(await waiting).reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5)
  })

  it('passes on what a body throws, and goes on', async () => {
    const failing = later.task(() => {
      later.map('neg', zeros([3]))
      throw new Error('from within')
    })
    await expect(failing()).rejects.toThrow('from within')
    expect(toArray(await later.task(() => later.map('exp', zeros([1])))())).toEqual([1])
  })

  it('refuses a body that is not pure', async () => {
    let runs = 0
    const impure = later.task(() => {
      const length = ++runs
      return toArray(later.map('neg', zeros([length])))
    })
    await expect(impure()).rejects.toThrow(/must be pure/)
  })
})

/** A device of which one kernel answers otherwise. */
const faulty = (kernel: string, change: (numbers: Float32Array) => Float32Array): Promise<GpuBackend> => {
  const device = deviceOf(library, 'cpu')
  return backendOn({
    ...device,
    launch: (job) => {
      const result = device.launch(job)
      return job.kernel === kernel ? change(result as Float32Array) : result
    },
  })
}

describe('a device that does not give the known answers is not relied on', () => {
  const withoutLow = (numbers: Float32Array): Float32Array => numbers.map((x, i) => (i % 2 === 0 ? x : 0))
  const options = {
    model: mlp.rule,
    loss: mlp.lossOn,
    clip: { rule: 'flat', l2ClipNorm: 1 },
    noiseMultiplier: 2,
  } as const

  it('one that loses digits adds up inner products on the host, in float64, and does not clip', async () => {
    const backend = await faulty('partDots', withoutLow)
    const third = full(1 / 3, [2, 30001])
    for (const dot of toArray(backend.rowDots(third, third)))
      expect(Math.abs(dot / (30001 * Math.fround(1 / 3) ** 2) - 1)).toBeLessThan(1e-12)
    expect(gpuStep({ ...options, backend })).toMatchObject({ _tag: 'Left', left: [{ parameter: 'backend' }] })
  })

  it('one that gives weight to what is not finite does not clip', async () => {
    const backend = await faulty('clipWeights', (weights) => weights.map((w) => (w === 0 ? 1 : w)))
    expect(gpuStep({ ...options, backend })).toMatchObject({ _tag: 'Left', left: [{ parameter: 'backend' }] })
  })

  it('one that draws other variates leaves the noise to the mechanism', async () => {
    const backend = await faulty('addNormals', (numbers) => numbers.map((x) => x / 2))
    const { params } = mlp.rule.init(key(1), mlp.input)
    const batch = gpuBatch(mlp, 3, 2)
    const { released: plain } = await orThrow(gpuStep({ ...options, backend, noiseMultiplier: 0 }))(
      params,
      batch,
      key(0),
    )()
    const { released } = await orThrow(gpuStep({ ...options, backend }))(params, batch, key(0))()
    expect(released).toEqual(gaussian(2)(key(0))({ _tag: 'BoundedSum', sum: plain.value, l2Bound: 1 }))
  })

  it('the known variates are those of the key', () => {
    const variates = standardNormals(4096)({ _tag: 'Threefry2x32', words: knownKey })
    for (const [place, variate] of knownVariates) expect(variates[place]).toBe(variate)
  })
})

describe('a machine', () => {
  it('without a GPU says so in a sentence, and computes by WebAssembly', async () => {
    const { backend, why } = await gpuOrWasm()
    expect(backend).toBe(defaultBackend())
    expect(why).toBe(
      'This machine has no GPU that gpu.js can use: no WebGL is there. Computing on the CPU, by WebAssembly.',
    )
  })

  it('without the mode says so in a sentence', async () => {
    const made = await gpu({ mode: 'webgl2' })()
    expect(made).toMatchObject({
      _tag: 'Left',
      left: expect.stringMatching(/^The mode is webgl2, which this machine does not have; .*\.$/),
    })
  })
})
