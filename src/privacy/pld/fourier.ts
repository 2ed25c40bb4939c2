/**
 * The discrete Fourier transform of real sequences, two at a time, in float64.
 *
 *   X[k] = Σⱼ x[j] e^(−2πi jk/N),   N a power of two
 *
 * Two real sequences travel as one complex sequence x + iy; as X(−k) = X̄(k), one transform gives both spectra, and only half of each
 * has to be kept. The forward transform leaves its result in bit-reversed order and the inverse starts from there, so nothing is ever
 * permuted. In that order the frequencies 2ʲ … 2ʲ⁺¹ − 1 hold each other's mirror images, back to front.
 *
 * Error   every stage is a unitary map times √2, computed with a relative error ≤ η = 8u per element (a butterfly and a rounded
 *         factor), u = 2⁻⁵³. So after t = log₂ N stages |ΔX[k]| ≤ tη Σ|x[j]| for each k, and ‖ΔX‖₂ ≤ tη ‖X‖₂ for all
 * Reference  Higham 2002, Accuracy and Stability of Numerical Algorithms, Thm 24.2
 */

/** A complex sequence: real and imaginary parts, of one length. */
export interface ComplexSequence {
  readonly re: Float64Array
  readonly im: Float64Array
}

/** Transforms of one length. Both work in place: their argument is a buffer of the caller's. */
export interface Fourier {
  readonly length: number
  /** Natural order in, bit-reversed order out. */
  readonly forward: (z: ComplexSequence) => void
  /** Bit-reversed order in, natural order out; divides by N. */
  readonly inverse: (z: ComplexSequence) => void
  /** tη: what the error of one transform is relative to. */
  readonly roundoff: number
}

/** cos and sin of πj/m for j < m, m = N/2, each to half a unit in the last place: reduced to the first eighth of the circle. */
const roots = (m: number): ComplexSequence => {
  const re = new Float64Array(m)
  const im = new Float64Array(m)
  for (let j = 0; 4 * j <= m; j++) {
    const angle = (Math.PI * j) / m
    const c = Math.cos(angle)
    const s = Math.sin(angle)
    re[j] = c
    im[j] = -s
    if (m === 1) break
    re[m / 2 - j] = s
    im[m / 2 - j] = -c
    re[m / 2 + j] = -s
    im[m / 2 + j] = -c
    if (j > 0) {
      re[m - j] = -c
      im[m - j] = -s
    }
  }
  return { re, im }
}

/** e^(−πij/m) for every m = 1, 2, 4, … N/2, that of m at m … 2m − 1, so that each stage reads a stretch of memory. */
const stagedRoots = (length: number): ComplexSequence => {
  const re = new Float64Array(length)
  const im = new Float64Array(length)
  const finest = roots(length / 2)
  for (let m = length / 2, stride = 1; m >= 1; m /= 2, stride *= 2)
    for (let j = 0; j < m; j++) {
      re[m + j] = finest.re[j * stride] as number
      im[m + j] = finest.im[j * stride] as number
    }
  return { re, im }
}

/** The stage of neighbours, whose factor is 1. */
const lastStage = (re: Float64Array, im: Float64Array, m: number): void => {
  for (let a = 0; a < re.length; a += 2) {
    const ar = re[a] as number
    const ai = im[a] as number
    const br = re[a + m] as number
    const bi = im[a + m] as number
    re[a] = ar + br
    im[a] = ai + bi
    re[a + m] = ar - br
    im[a + m] = ai - bi
  }
}

/** The stages of half-lengths m and m/2 in one pass over memory. */
const forwardTwoStages = (
  re: Float64Array,
  im: Float64Array,
  cosines: Float64Array,
  sines: Float64Array,
  m: number,
): void => {
  const half = m / 2
  for (let start = 0; start < re.length; start += 2 * m)
    for (let j = 0; j < half; j++) {
      const p0 = start + j
      const p1 = p0 + half
      const p2 = p0 + m
      const p3 = p2 + half
      const r0 = re[p0] as number
      const i0 = im[p0] as number
      const r1 = re[p1] as number
      const i1 = im[p1] as number
      const r2 = re[p2] as number
      const i2 = im[p2] as number
      const r3 = re[p3] as number
      const i3 = im[p3] as number
      // Stage m: factors ω(j) and, a quarter of a turn on, −i ω(j).
      const c1 = cosines[m + j] as number
      const s1 = sines[m + j] as number
      const sr0 = r0 + r2
      const si0 = i0 + i2
      const sr1 = r1 + r3
      const si1 = i1 + i3
      const dr0 = r0 - r2
      const di0 = i0 - i2
      const dr1 = i1 - i3
      const di1 = r3 - r1
      const tr0 = dr0 * c1 - di0 * s1
      const ti0 = dr0 * s1 + di0 * c1
      const tr1 = dr1 * c1 - di1 * s1
      const ti1 = dr1 * s1 + di1 * c1
      // Stage m/2.
      const c2 = cosines[half + j] as number
      const s2 = sines[half + j] as number
      re[p0] = sr0 + sr1
      im[p0] = si0 + si1
      const er = sr0 - sr1
      const ei = si0 - si1
      re[p1] = er * c2 - ei * s2
      im[p1] = er * s2 + ei * c2
      re[p2] = tr0 + tr1
      im[p2] = ti0 + ti1
      const fr = tr0 - tr1
      const fi = ti0 - ti1
      re[p3] = fr * c2 - fi * s2
      im[p3] = fr * s2 + fi * c2
    }
}

/** The stages of half-lengths m and 2m in one pass over memory, with conjugate factors. */
const inverseTwoStages = (
  re: Float64Array,
  im: Float64Array,
  cosines: Float64Array,
  sines: Float64Array,
  m: number,
): void => {
  for (let start = 0; start < re.length; start += 4 * m)
    for (let j = 0; j < m; j++) {
      const p0 = start + j
      const p1 = p0 + m
      const p2 = p1 + m
      const p3 = p2 + m
      const c2 = cosines[m + j] as number
      const s2 = sines[m + j] as number
      const r0 = re[p0] as number
      const i0 = im[p0] as number
      const x1 = re[p1] as number
      const y1 = im[p1] as number
      const r2 = re[p2] as number
      const i2 = im[p2] as number
      const x3 = re[p3] as number
      const y3 = im[p3] as number
      const r1 = x1 * c2 + y1 * s2
      const i1 = y1 * c2 - x1 * s2
      const r3 = x3 * c2 + y3 * s2
      const i3 = y3 * c2 - x3 * s2
      const ar = r0 + r1
      const ai = i0 + i1
      const br = r0 - r1
      const bi = i0 - i1
      const gr = r2 + r3
      const gi = i2 + i3
      const hr = r2 - r3
      const hi = i2 - i3
      // Stage 2m: factors ω̄(j) and, a quarter of a turn on, i ω̄(j).
      const c1 = cosines[2 * m + j] as number
      const s1 = sines[2 * m + j] as number
      const ur = gr * c1 + gi * s1
      const ui = gi * c1 - gr * s1
      const vr = hr * c1 + hi * s1
      const vi = hi * c1 - hr * s1
      re[p0] = ar + ur
      im[p0] = ai + ui
      re[p2] = ar - ur
      im[p2] = ai - ui
      re[p1] = br - vi
      im[p1] = bi + vr
      re[p3] = br + vi
      im[p3] = bi - vr
    }
}

/**
 * Transforms of length N = 2ᵗ ≥ 2.
 *
 * Cost    5 N log₂ N operations each; tables of 2N numbers
 * Errors  a RangeError for a length that is no power of two
 *
 * @example
 * fourier(8).length // => 8
 */
export const fourier = (length: number): Fourier => {
  const stages = Math.log2(length)
  if (!(Number.isInteger(stages) && stages >= 1))
    throw new RangeError(`the length of a transform must be a power of two ≥ 2, not ${length}`)
  const { re: cosines, im: sines } = stagedRoots(length)
  return {
    length,
    roundoff: stages * 8 * 2 ** -53,
    forward: ({ re, im }) => {
      let m = length / 2
      for (; m >= 2; m /= 4) forwardTwoStages(re, im, cosines, sines, m)
      if (m === 1) lastStage(re, im, 1)
    },
    inverse: ({ re, im }) => {
      let m = 1
      if (stages % 2 === 1) {
        lastStage(re, im, 1)
        m = 2
      }
      for (; 2 * m < length; m *= 4) inverseTwoStages(re, im, cosines, sines, m)
      const scale = 1 / length
      for (let i = 0; i < length; i++) {
        re[i] = (re[i] as number) * scale
        im[i] = (im[i] as number) * scale
      }
    },
  }
}

/** Where −k stands if k stands at `position`, in bit-reversed order. */
export const mirrorOf = (position: number): number => {
  if (position === 0) return 0
  const block = 2 ** (31 - Math.clz32(position))
  return 3 * block - 1 - position
}
