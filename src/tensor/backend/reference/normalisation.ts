/**
 * Group normalisation and its adjoint. Index legend: n sample · g group · c channel · p pixel · m numbers of a group.
 */
import type { Tensor } from '../../tensor.js'
import type { Backend } from '../backend.js'
import { groupExtents, pulledExtents } from '../group-extents.js'
import { elements, filled } from './array.js'

/** y = γ (x − μ)/√(σ² + ε) + β, μ and σ² over the m numbers of each group of each sample. */
export const groupNorm: Backend['groupNorm'] = (x, { groups, epsilon }, affine) => {
  const { n, c, pixels } = groupExtents(x, groups, affine.weight, affine.bias)
  const values = elements(x)
  const [gamma, beta] = [affine.weight, affine.bias].map((p) => (p === undefined ? undefined : elements(p)))
  const m = (c / groups) * pixels
  const over = (group: number, f: (value: number) => number): number => {
    let total = 0
    for (let i = 0; i < m; i++) total += f(values[group * m + i] as number)
    return m === 0 ? 0 : total / m
  }
  const mean = filled([n, groups], (out) => {
    for (let group = 0; group < out.length; group++) out[group] = over(group, (value) => value)
  })
  const means = elements(mean)
  const inverseDeviation = filled([n, groups], (out) => {
    for (let group = 0; group < out.length; group++)
      out[group] = 1 / Math.sqrt(over(group, (value) => (value - (means[group] as number)) ** 2) + epsilon)
  })
  const inverses = elements(inverseDeviation)
  const y = filled(x.shape, (out) => {
    for (let i = 0; i < out.length; i++) {
      const [group, channel] = [Math.floor(i / m), Math.floor(i / pixels) % c]
      const normalised = ((values[i] as number) - (means[group] as number)) * (inverses[group] as number)
      out[i] = normalised * (gamma?.[channel] ?? 1) + (beta?.[channel] ?? 0)
    }
  })
  return { y, mean, inverseDeviation }
}

/**
 * ofBias[n,c] = Σₚ gy      ofWeight[n,c] = Σₚ gy x̂      gx = (ĝ − mean ĝ − x̂ mean(ĝ x̂))/√(σ² + ε) with ĝ = γ gy, means over the group
 */
export const groupNormGrad: Backend['groupNormGrad'] = (x, gy, weight, statistics) => {
  const { n, c, groups, pixels } = pulledExtents(x, gy, weight, statistics)
  const [values, cotangents] = [elements(x), elements(gy)]
  const [means, inverses] = [elements(statistics.mean), elements(statistics.inverseDeviation)]
  const gamma = weight === undefined ? undefined : elements(weight)
  const m = (c / groups) * pixels
  const normalised = (i: number): number => {
    const group = Math.floor(i / m)
    return ((values[i] as number) - (means[group] as number)) * (inverses[group] as number)
  }
  const overPixels = (f: (i: number) => number): Tensor =>
    filled([n, c], (out) => {
      for (let i = 0; i < values.length; i++) {
        const at = Math.floor(i / pixels)
        out[at] = (out[at] as number) + (cotangents[i] as number) * f(i)
      }
    })
  const [ofWeight, ofBias] = [overPixels(normalised), overPixels(() => 1)]
  /** Means over the group of γ times the sums of its channels. */
  const overGroups = (sums: Tensor): Float64Array => {
    const out = new Float64Array(n * groups)
    elements(sums).forEach((sum, i) => {
      const group = Math.floor(i / (c / groups))
      out[group] = (out[group] as number) + (sum * (gamma?.[i % c] ?? 1)) / m
    })
    return out
  }
  const [along, shift] = [overGroups(ofWeight), overGroups(ofBias)]
  const gx = filled(x.shape, (out) => {
    for (let i = 0; i < out.length; i++) {
      const group = Math.floor(i / m)
      const scaled = (cotangents[i] as number) * (gamma?.[Math.floor(i / pixels) % c] ?? 1)
      const explained = (shift[group] as number) + normalised(i) * (along[group] as number)
      out[i] = (scaled - explained) * (inverses[group] as number)
    }
  })
  return { gx, ofWeight, ofBias }
}
