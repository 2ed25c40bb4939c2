/**
 * The private step of the demo's network in plain typed-array loops, one sample after the other: what a careful person
 * writes without a library, and the yardstick of the bench.
 */

/** Weights of zero-pad, conv 1→16 8×8 s2, relu, pool 2 s1, conv 16→32 4×4 s2, relu, pool 2 s1, 512→32, relu, 32→10. */
export interface PlainParams {
  readonly w1: Float32Array
  readonly b1: Float32Array
  readonly w2: Float32Array
  readonly b2: Float32Array
  readonly w3: Float32Array
  readonly b3: Float32Array
  readonly w4: Float32Array
  readonly b4: Float32Array
}

const sizes = { w1: 1024, b1: 16, w2: 8192, b2: 32, w3: 16384, b3: 32, w4: 320, b4: 10 } as const
const names = Object.keys(sizes) as (keyof PlainParams)[]

export const plainParams = (fill: (name: keyof PlainParams, index: number) => number = () => 0): PlainParams =>
  Object.fromEntries(
    names.map((name) => [name, Float32Array.from({ length: sizes[name] }, (_, index) => fill(name, index))]),
  ) as unknown as PlainParams

interface Conv {
  readonly c: number
  readonly h: number
  readonly o: number
  readonly k: number
  readonly s: number
  readonly out: number
}
const first: Conv = { c: 1, h: 35, o: 16, k: 8, s: 2, out: 14 }
const second: Conv = { c: 16, h: 13, o: 32, k: 4, s: 2, out: 5 }

const convForward = (
  { c, h, o, k, s, out }: Conv,
  x: Float32Array,
  w: Float32Array,
  b: Float32Array,
  y: Float32Array,
) => {
  for (let f = 0; f < o; f++) y.fill(b[f]!, f * out * out, (f + 1) * out * out)
  for (let f = 0; f < o; f++)
    for (let ch = 0; ch < c; ch++)
      for (let u = 0; u < k; u++)
        for (let v = 0; v < k; v++) {
          const weight = w[((f * c + ch) * k + u) * k + v]!
          for (let i = 0; i < out; i++) {
            const row = (ch * h + i * s + u) * h + v
            const at = (f * out + i) * out
            for (let j = 0; j < out; j++) y[at + j] = y[at + j]! + weight * x[row + j * s]!
          }
        }
}

const convWeightGrad = (
  { c, h, o, k, s, out }: Conv,
  x: Float32Array,
  gy: Float32Array,
  gw: Float32Array,
  gb: Float32Array,
) => {
  for (let f = 0; f < o; f++) {
    let total = 0
    for (let t = 0; t < out * out; t++) total += gy[f * out * out + t]!
    gb[f] = total
    for (let ch = 0; ch < c; ch++)
      for (let u = 0; u < k; u++)
        for (let v = 0; v < k; v++) {
          let sum = 0
          for (let i = 0; i < out; i++) {
            const row = (ch * h + i * s + u) * h + v
            const at = (f * out + i) * out
            for (let j = 0; j < out; j++) sum += gy[at + j]! * x[row + j * s]!
          }
          gw[((f * c + ch) * k + u) * k + v] = sum
        }
  }
}

const convInputGrad = ({ c, h, o, k, s, out }: Conv, w: Float32Array, gy: Float32Array, gx: Float32Array) => {
  gx.fill(0)
  for (let f = 0; f < o; f++)
    for (let ch = 0; ch < c; ch++)
      for (let u = 0; u < k; u++)
        for (let v = 0; v < k; v++) {
          const weight = w[((f * c + ch) * k + u) * k + v]!
          for (let i = 0; i < out; i++) {
            const row = (ch * h + i * s + u) * h + v
            const at = (f * out + i) * out
            for (let j = 0; j < out; j++) gx[row + j * s] = gx[row + j * s]! + weight * gy[at + j]!
          }
        }
}

const relu = (x: Float32Array) => {
  for (let i = 0; i < x.length; i++) if (x[i]! < 0) x[i] = 0
}
const reluGrad = (gy: Float32Array, y: Float32Array) => {
  for (let i = 0; i < y.length; i++) if (!(y[i]! > 0)) gy[i] = 0
}

const pool = (channels: number, h: number, x: Float32Array, y: Float32Array, argmax: Int32Array) => {
  const out = h - 1
  for (let ch = 0; ch < channels; ch++)
    for (let i = 0; i < out; i++)
      for (let j = 0; j < out; j++) {
        let best = (ch * h + i) * h + j
        for (const at of [best + 1, best + h, best + h + 1]) if (x[at]! > x[best]!) best = at
        const to = (ch * out + i) * out + j
        y[to] = x[best]!
        argmax[to] = best
      }
}
const poolGrad = (gy: Float32Array, argmax: Int32Array, gx: Float32Array) => {
  gx.fill(0)
  for (let i = 0; i < gy.length; i++) gx[argmax[i]!] = gx[argmax[i]!]! + gy[i]!
}

const dense = (x: Float32Array, w: Float32Array, b: Float32Array, y: Float32Array) => {
  for (let o = 0; o < y.length; o++) {
    let sum = b[o]!
    for (let i = 0; i < x.length; i++) sum += w[o * x.length + i]! * x[i]!
    y[o] = sum
  }
}
const denseGrad = (
  x: Float32Array,
  w: Float32Array,
  gy: Float32Array,
  gw: Float32Array,
  gb: Float32Array,
  gx: Float32Array,
) => {
  gx.fill(0)
  gb.set(gy)
  for (let o = 0; o < gy.length; o++)
    for (let i = 0; i < x.length; i++) {
      gw[o * x.length + i] = gy[o]! * x[i]!
      gx[i] = gx[i]! + gy[o]! * w[o * x.length + i]!
    }
}

export interface PlainStep {
  readonly images: Float32Array
  readonly labels: Int32Array
  readonly l2ClipNorm: number
  readonly noiseMultiplier: number
  readonly expectedBatchSize: number
  readonly learningRate: number
  readonly momentum: number
}

/** Makes a step with buffers of its own, which changes `p` and `velocity` in place. */
export const plainStepper = (): ((p: PlainParams, velocity: PlainParams, step: PlainStep) => void) => {
  const f32 = (n: number) => new Float32Array(n)
  const [x0, y1, p1, y2, p2, h3, y4] = [f32(1225), f32(3136), f32(2704), f32(800), f32(512), f32(32), f32(10)]
  const [g1, gp1, g2, gp2, g3] = [f32(3136), f32(2704), f32(800), f32(512), f32(32)]
  const [a1, a2] = [new Int32Array(2704), new Int32Array(512)]
  return (p, velocity, { images, labels, l2ClipNorm, noiseMultiplier, expectedBatchSize, learningRate, momentum }) => {
    const [g, sum] = [plainParams(), plainParams()]
    for (let n = 0; n < labels.length; n++) {
      for (let i = 0; i < 28; i++) x0.set(images.subarray((n * 28 + i) * 28, (n * 28 + i + 1) * 28), (i + 3) * 35 + 3)
      convForward(first, x0, p.w1, p.b1, y1)
      relu(y1)
      pool(16, 14, y1, p1, a1)
      convForward(second, p1, p.w2, p.b2, y2)
      relu(y2)
      pool(32, 5, y2, p2, a2)
      dense(p2, p.w3, p.b3, h3)
      relu(h3)
      dense(h3, p.w4, p.b4, y4)
      const largest = Math.max(...y4)
      let total = 0
      for (let k = 0; k < 10; k++) total += y4[k] = Math.exp(y4[k]! - largest)
      for (let k = 0; k < 10; k++) y4[k] = y4[k]! / total - (k === labels[n] ? 1 : 0)
      denseGrad(h3, p.w4, y4, g.w4, g.b4, g3)
      reluGrad(g3, h3)
      denseGrad(p2, p.w3, g3, g.w3, g.b3, gp2)
      poolGrad(gp2, a2, g2)
      reluGrad(g2, y2)
      convWeightGrad(second, p1, g2, g.w2, g.b2)
      convInputGrad(second, p.w2, g2, gp1)
      poolGrad(gp1, a1, g1)
      reluGrad(g1, y1)
      convWeightGrad(first, x0, g1, g.w1, g.b1)
      let squared = 0
      for (const name of names) for (const value of g[name]) squared += value * value
      const factor = Math.min(1, l2ClipNorm / Math.sqrt(squared))
      for (const name of names) {
        const [to, from] = [sum[name], g[name]]
        for (let i = 0; i < to.length; i++) to[i] = to[i]! + factor * from[i]!
      }
    }
    const deviation = noiseMultiplier * l2ClipNorm
    for (const name of names) {
      const [to, v, s] = [p[name], velocity[name], sum[name]]
      for (let i = 0; i < to.length; i++) {
        const normal = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random())
        v[i] = momentum * v[i]! + (s[i]! + deviation * normal) / expectedBatchSize
        to[i] = to[i]! - learningRate * v[i]!
      }
    }
  }
}
