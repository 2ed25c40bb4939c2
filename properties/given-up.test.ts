/**
 * Memory that is given up within a scope serves the next tensor of its size, and nobody can tell from a result.
 */
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { crossEntropy, linear, sequential, tanh } from '../src/grad/index.js'
import { surplusOf } from '../src/grad/surplus.js'
import { resNet20 } from '../src/models/index.js'
import { clippedGrad, flatClip } from '../src/privacy/index.js'
import { key } from '../src/sampling/index.js'
import type { Backend } from '../src/tensor/backend/backend.js'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { type Tensor, toArray, zeros } from '../src/tensor/index.js'
import { noise } from './arbitraries/tensor.js'
import { expectSameBits } from './laws/purity.js'

const MIB = 2 ** 20
const backends = [wasm({ threads: 1 }), wasm({ threads: 2 })]
const lasting = ({ release: _, ...backend }: Backend): Backend => backend

afterAll(() => {
  for (const backend of backends) backend.close()
})

/** What is done next: a tensor made of another, one given up, an inner scope that does the same and leaves one tensor. */
type Act =
  | { readonly _tag: 'make'; readonly from: number; readonly half: boolean }
  | { readonly _tag: 'give'; readonly which: number }
  | { readonly _tag: 'scope'; readonly acts: readonly Act[] }

const { acts } = fc.letrec<{ act: Act; acts: readonly Act[] }>((tie) => ({
  act: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    fc.record({ _tag: fc.constant('make' as const), from: fc.nat(), half: fc.boolean() }),
    fc.record({ _tag: fc.constant('give' as const), which: fc.nat() }),
    fc.record({ _tag: fc.constant('scope' as const), acts: tie('acts') }),
  ),
  acts: fc.array(tie('act'), { maxLength: 12 }),
}))

/** Runs acts on the tensors that there are; those of outer scopes are not the inner scope's to give up. */
const run = (backend: Backend, acts: readonly Act[], outer: readonly Tensor[]): readonly Tensor[] => {
  let own: readonly Tensor[] = []
  for (const act of acts) {
    const all = [...outer, ...own]
    if (act._tag === 'scope')
      own = [...own, backend.scope(() => run(backend, act.acts, all).at(-1) ?? (all[0] as Tensor))]
    else if (act._tag === 'make') {
      const from = all[act.from % all.length] as Tensor
      own = [...own, act.half && from.shape.length === 2 ? backend.sum(from, [1]) : backend.map('sigmoid', from)]
    } else if (own.length > 0) {
      const given = own[act.which % own.length] as Tensor
      own = own.filter((t) => t.data !== given.data)
      if (!outer.includes(given)) backend.release?.(given)
    }
  }
  return own
}

describe.each(backends.map((backend) => [backend.name, backend] as const))('%s', (_name, backend) => {
  it('whatever is made and given up, what is left is what it would be', () => {
    const x = noise([5, 7])
    const left = (on: Backend, program: readonly Act[]) => on.scope(() => run(on, program, [on.map('neg', x)]))
    fc.assert(fc.property(acts, (program) => expectSameBits(left(backend, program), left(lasting(backend), program))))
  })

  it('what was given up cannot be read, neither by an operation nor out of the scope', () => {
    const given = () => {
      const t = backend.map('neg', noise([9]))
      backend.release?.(t)
      return t
    }
    expect(() => backend.scope(() => backend.map('neg', given()))).toThrow('a tensor was used after it was given up')
    expect(() => backend.scope(() => given())).toThrow('a tensor was used after it was given up')
    expect(() => backend.scope(() => backend.scope(() => given()))).toThrow('a tensor was used after it was given up')
  })

  it('inputs, results and what lies beyond the scope are not given up', () => {
    const x = noise([9])
    const made = backend.map('neg', x)
    const found = backend.scope(() => {
      const outer = backend.map('neg', x)
      backend.scope(() => {
        for (const t of [x, made, outer]) backend.release?.(t)
        return backend.map('exp', x)
      })
      backend.map('exp', x)
      return outer
    })
    backend.release?.(found)
    expect([found, made].map(toArray)).toEqual([toArray(made), toArray(backend.map('neg', x))])
  })
})

it('a thousand tensors, each given up after the next is made, take the room of two', () => {
  const backend = wasm({ threads: 1, memoryLimit: 4 * MIB })
  const x = noise([MIB / 8])
  const last = backend.scope(() => {
    let t = backend.map('neg', x)
    for (let i = 0; i < 999; i++) {
      const next = backend.map('neg', t)
      backend.release?.(t)
      t = next
    }
    return t
  })
  expect(toArray(last)).toEqual(toArray(x))
})

it('a layer that contracts holds its cotangent, and what it passed on is given up', () => {
  const model = sequential(linear(8), tanh, linear(8), tanh, linear(8), tanh, linear(8))
  const { params } = model.init(key(0), [8])
  const inner = wasm({ threads: 1 })
  const given: Tensor[] = []
  const backend: Backend = {
    ...inner,
    release: (t) => {
      given.push(t)
      inner.release?.(t)
    },
  }
  inner.scope(() => {
    const [y, caches] = model.forward(backend, params, noise([5, 8]))
    given.length = 0
    model.pullback(backend, params, caches, y).squaredNorm()
  })
  // That of the input of each affine layer above the first; those behind the activations are read again.
  expect(given.map(({ shape }) => shape)).toEqual([
    [5, 8],
    [5, 8],
    [5, 8],
  ])
})

it('the gradient of a residual network takes 4 MiB a sample, less than two thirds of the memory, and has the same bits', () => {
  const model = resNet20()
  const { params } = model.init(key(0), [3, 32, 32])
  const batch = { input: noise([6, 3, 32, 32]), target: zeros([6], 'int32') }
  const [giving, keeping] = [wasm({ threads: 1 }), wasm({ threads: 1 })]
  const sum = (backend: Backend) => clippedGrad(crossEntropy, model, flatClip(1), { backend })(params, batch).sum
  expectSameBits(sum(giving), sum(lasting(keeping)))
  expect(giving.peakBytes()).toBeLessThan(6 * 4 * MIB)
  expect(giving.peakBytes()).toBeLessThan((2 / 3) * keeping.peakBytes())
})

it('what may hide a tensor holds them all', () => {
  const given: Tensor[] = []
  const backend = { ...(backends[0] as Backend), release: (t: Tensor) => void given.push(t) }
  const [a, b] = [noise([2]), noise([2])]
  surplusOf(backend, { known: [a] }).giveUp(a, b)
  expect(given).toEqual([b])
  surplusOf(backend, { hidden: () => a }).giveUp(b)
  surplusOf(backend, new Map([[1, a]])).giveUp(b)
  surplusOf(backend, { numbers: a.data }).giveUp(a)
  expect(given).toEqual([b])
})
