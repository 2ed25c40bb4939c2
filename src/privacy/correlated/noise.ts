/**
 * Correlated noise as a stream: a pure function from state to noise and next state.
 *
 * The independent draw of step t is a function of (key, t) alone, so a state holds only what the recursion carries, and can be
 * had again by running the recursion from the start.
 *
 * Legend: z = independent draws of variance 1, x = the noise of a step, d numbers each.
 */
import { foldIn, type Key } from '../../sampling/key.js'
import { standardNormals } from '../../sampling/normal.js'
import type { Strategy } from './strategy.js'

/**
 * Noise of a binary tree in the estimate of least variance: a node of height l is estimated from its own draw and from its two
 * children, so that its variance is 2ˡ/(2ˡ⁺¹ − 1).
 *
 * Reference  Honaker 2015, "Efficient use of differentially private binary trees", the estimate from below; Kairouz et al. 2021,
 *            arXiv:2103.00039, App. D
 */
export interface TreeStrategy {
  readonly _tag: 'Tree'
}

/** The one value of `TreeStrategy`. */
export const binaryTree: TreeStrategy = { _tag: 'Tree' }

/** What can correlate the noise of the steps of a training. */
export type CorrelatedNoise = Strategy | TreeStrategy

/**
 * Where a stream of noise stands: the next step, and what the recursion carries (the last noises of a banded strategy, the
 * buffers of a buffered one, the nodes of a tree by height; nothing for a banded inverse). Plain data.
 */
export interface NoiseState {
  readonly step: number
  readonly buffers: readonly Float64Array[]
  /** What the sums so far were clipped to, where `correlatedGaussian` noised them: all of a round are clipped alike. */
  readonly l2Bound?: number
}

/** Before the first step. */
export const initialNoise: NoiseState = { step: 0, buffers: [] }

const addScaled = (out: Float64Array, scale: number, from: Float64Array): void => {
  for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) + scale * (from[i] as number)
}

const scaled = (scale: number, from: Float64Array): Float64Array => from.map((x) => scale * x)

/**
 * The variance of the estimate of a node, its own draw weighted by it and the sum of its children by the rest: the weights
 * that are inverse to the variances, vₗ₊₁⁻¹ = 1 + (2vₗ)⁻¹.
 */
const nodeVariance = (height: number): number => 2 ** height / (2 ** (height + 1) - 1)

type Next = (state: NoiseState) => readonly [noise: Float64Array, next: NoiseState]

const treeNoise =
  (size: number, key: Key): Next =>
  ({ step, buffers }) => {
    const draw = (height: number): Float64Array =>
      standardNormals(size)(foldIn(Math.floor(step / 2 ** height))(foldIn(height)(key)))
    let node = draw(0)
    const noise = new Float64Array(size)
    let height = 0
    // A carry of binary addition: each tree that the step completes takes its left half out of the prefix.
    for (; Math.floor(step / 2 ** height) % 2 === 1; height++) {
      const left = buffers[height] as Float64Array
      addScaled(noise, -1, left)
      const own = nodeVariance(height + 1)
      const parent = scaled(own, draw(height + 1))
      addScaled(parent, 1 - own, left)
      addScaled(parent, 1 - own, node)
      node = parent
    }
    addScaled(noise, 1, node)
    const nothing = new Float64Array(0)
    const next = Array.from({ length: Math.max(buffers.length, height + 1) }, (_, at) =>
      at < height ? nothing : at === height ? node : (buffers[at] as Float64Array),
    )
    return [noise, { step: step + 1, buffers: next }]
  }

/**
 * The noise of the next step, d = `size` numbers, and the state after it.
 *
 *   banded        x_t = (z_t − Σ_{0<k<bands} cₖ x_{t−k}) / c₀        state: bands − 1 vectors
 *   inverse       x_t = Σ_{k<bands} dₖ z_{t−k}                        state: none, the draws are made again
 *   buffered      x_t = z_t − Σᵢ ωᵢ sᵢ,  sᵢ ← θᵢ sᵢ + x_t             state: one vector a buffer
 *   tree          x_t = what the prefix sum's noise changes by        state: one vector a height, ⌈log₂ n⌉ at most
 *
 * Cost       one draw and a multiply-add for each vector of state (inverse: `bands` draws; tree: two draws on average)
 * Guarantee  the noises of steps 0 … n − 1 are C⁻¹z; they depend on key and step alone
 *
 * @example
 * nextNoise(inverseToeplitz([1, -0.5]))({ size: 3, key: key(0) })(initialNoise)[1].step // => 1
 */
export const nextNoise =
  (strategy: CorrelatedNoise) =>
  ({ size, key }: { readonly size: number; readonly key: Key }): Next => {
    const draw = (step: number): Float64Array => standardNormals(size)(foldIn(step)(key))
    switch (strategy._tag) {
      case 'Tree':
        return treeNoise(size, key)
      case 'InverseToeplitz':
        return ({ step, buffers }) => {
          const noise = new Float64Array(size)
          strategy.noisingCoefficients.slice(0, step + 1).forEach((d, k) => {
            if (d !== 0) addScaled(noise, d, draw(step - k))
          })
          return [noise, { step: step + 1, buffers }]
        }
      case 'Toeplitz':
        return ({ step, buffers }) => {
          const [first = 1, ...others] = strategy.coefficients
          const noise = draw(step)
          buffers.forEach((earlier, k) => {
            addScaled(noise, -(others[k] as number), earlier)
          })
          if (first !== 1)
            noise.forEach((x, i) => {
              noise[i] = x / first
            })
          return [noise, { step: step + 1, buffers: [noise, ...buffers].slice(0, others.length) }]
        }
      case 'BufferedToeplitz':
        return ({ step, buffers }) => {
          const noise = draw(step)
          buffers.forEach((buffer, i) => {
            addScaled(noise, -(strategy.outputScales[i] as number), buffer)
          })
          const next = strategy.bufferDecays.map((decay, i) => {
            const buffer = new Float64Array(noise)
            if (buffers[i] !== undefined) addScaled(buffer, decay, buffers[i])
            return buffer
          })
          return [noise, { step: step + 1, buffers: next }]
        }
    }
  }
