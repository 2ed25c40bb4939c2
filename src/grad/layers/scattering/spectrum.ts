/**
 * The filters of the scattering transform, as the discrete Fourier transforms of what they are in space. Float64.
 *
 * Legend: u = (row, column) on a grid of R × C pixels that is periodic · k frequency · j scale (octaves) · ℓ angle ·
 * a spectrum at resolution r belongs to a grid of (R / 2ʳ) × (C / 2ʳ) pixels.
 */

/** A filter on a grid: its DFT, which is real, row-major. */
export interface Spectrum {
  readonly rows: number
  readonly columns: number
  readonly values: Float64Array
}

/** cos and sin of 2πk/extent for k < extent. */
export interface Circle {
  readonly cos: Float64Array
  readonly sin: Float64Array
}

export const circleOf = (extent: number): Circle => {
  const angle = (k: number): number => (2 * Math.PI * k) / extent
  return {
    cos: Float64Array.from({ length: extent }, (_, k) => Math.cos(angle(k))),
    sin: Float64Array.from({ length: extent }, (_, k) => Math.sin(angle(k))),
  }
}

/** Copies of the grid that a filter is summed over in each direction, so that it is periodic. */
const IMAGES = [-2, -1, 0, 1, 2]

/** π as the definition rounds it in its norms. */
// biome-ignore lint/suspicious/noApproximativeNumericConstant: the definition has this number.
const ROUNDED_PI = 3.1415

/** Planes of one complex image. */
interface ComplexImage {
  readonly re: Float64Array
  readonly im: Float64Array
}

/** The DFT of each of `count` lines, which begin `between` apart and have their numbers `step` apart. */
const transformLines = (
  { re, im }: ComplexImage,
  lines: { readonly count: number; readonly between: number; readonly extent: number; readonly step: number },
): ComplexImage => {
  const { count, between, extent, step } = lines
  const { cos, sin } = circleOf(extent)
  const out: ComplexImage = { re: new Float64Array(re.length), im: new Float64Array(re.length) }
  for (let line = 0; line < count; line++)
    for (let k = 0; k < extent; k++) {
      let [real, imaginary] = [0, 0]
      for (let u = 0; u < extent; u++) {
        const at = line * between + u * step
        const turn = (k * u) % extent
        const [c, s, x, y] = [cos[turn] as number, sin[turn] as number, re[at] as number, im[at] as number]
        real += c * x + s * y
        imaginary += c * y - s * x
      }
      out.re[line * between + k * step] = real
      out.im[line * between + k * step] = imaginary
    }
  return out
}

/** The real part of the two-dimensional DFT. */
const spectrumOf = (image: ComplexImage, rows: number, columns: number): Spectrum => {
  const alongRows = transformLines(image, { count: rows, between: columns, extent: columns, step: 1 })
  const { re } = transformLines(alongRows, { count: columns, between: 1, extent: rows, step: columns })
  return { rows, columns, values: re }
}

export interface Morlet {
  readonly rows: number
  readonly columns: number
  /** j: the filter is 2ʲ times as wide as the narrowest. */
  readonly scale: number
  /** ℓ in 0 … angles − 1. */
  readonly angle: number
  readonly angles: number
}

/**
 * A Morlet wavelet: a plane wave under an elliptic Gaussian, less the Gaussian that takes its mean away.
 *
 *   g_ξ(u) = Σ_images exp(−uᵀQu + iξ⟨u, e_θ⟩) / (2 · 3.1415 σ²/s)      Q = R_θ diag(1, s²) R_θᵀ / (2σ²)
 *   ψ = g_ξ − (Σ g_ξ / Σ g₀) g₀      σ = 0.8 · 2ʲ   ξ = ¾π / 2ʲ   s = 4/L   θ = (⌊L/2 − 1⌋ − ℓ) π/L
 *
 * Cost       O(RC (R + C)): a naive DFT, done once
 * Reference  the definition and its constants are those of Kymatio's Scattering2D (Andreux et al. 2020, arXiv:1812.11214)
 */
export const morletSpectrum = ({ rows, columns, scale, angle, angles }: Morlet): Spectrum => {
  const sigma = 0.8 * 2 ** scale
  const xi = (0.75 * Math.PI) / 2 ** scale
  const slant = 4 / angles
  const theta = ((Math.trunc(angles - angles / 2 - 1) - angle) * Math.PI) / angles
  const [cos, sin] = [Math.cos(theta), Math.sin(theta)]
  const narrow = 1 / (2 * sigma * sigma)
  const wide = slant * slant * narrow
  const [rowRow, rowColumn, columnColumn] = [
    cos * cos * narrow + sin * sin * wide,
    2 * cos * sin * (narrow - wide),
    sin * sin * narrow + cos * cos * wide,
  ]
  const count = rows * columns
  const norm = (2 * ROUNDED_PI * sigma * sigma) / slant
  const wave: ComplexImage = { re: new Float64Array(count), im: new Float64Array(count) }
  const bell = new Float64Array(count)
  for (let row = 0, at = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, at++)
      for (const up of IMAGES)
        for (const left of IMAGES) {
          const [y, x] = [row + up * rows, column + left * columns]
          const envelope = Math.exp(-(rowRow * y * y + rowColumn * y * x + columnColumn * x * x)) / norm
          const phase = xi * (y * cos + x * sin)
          bell[at] = (bell[at] as number) + envelope
          wave.re[at] = (wave.re[at] as number) + envelope * Math.cos(phase)
          wave.im[at] = (wave.im[at] as number) + envelope * Math.sin(phase)
        }
  const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0)
  const mass = total(bell)
  const [real, imaginary] = [total(wave.re) / mass, total(wave.im) / mass]
  return spectrumOf(
    {
      re: wave.re.map((value, at) => value - real * (bell[at] as number)),
      im: wave.im.map((value, at) => value - imaginary * (bell[at] as number)),
    },
    rows,
    columns,
  )
}

/**
 * One axis of the low-pass filter φ_J, which is the product of two: the DFT of a periodic Gaussian.
 *
 *   φ(u) = Σ_images exp(−u² / 2σ²) / (√(2 · 3.1415) σ)      σ = 0.8 · 2ᴶ⁻¹
 */
export const lowPassSpectrum = (extent: number, scales: number): Float64Array => {
  const sigma = 0.8 * 2 ** (scales - 1)
  const { cos } = circleOf(extent)
  const bell = Float64Array.from(
    { length: extent },
    (_, u) =>
      IMAGES.reduce((sum, image) => sum + Math.exp(-((u + image * extent) ** 2) / (2 * sigma * sigma)), 0) /
      (Math.sqrt(2 * ROUNDED_PI) * sigma),
  )
  return Float64Array.from({ length: extent }, (_, k) =>
    bell.reduce((sum, value, u) => sum + value * (cos[(k * u) % extent] as number), 0),
  )
}

/** Is frequency k of an axis kept when the grid is made coarser by 2ʳ? */
const isKept = (extent: number, resolution: number, k: number): boolean => {
  const start = Math.trunc(extent * 2 ** (-resolution - 1))
  return k < start || k >= start + Math.trunc(extent * (1 - 2 ** -resolution))
}

/** The spectrum of one axis on the coarser grid: its high frequencies are left out, and what remains is folded. */
export const coarserAxis = (values: Float64Array, resolution: number): Float64Array => {
  const extent = values.length / 2 ** resolution
  const out = new Float64Array(extent)
  values.forEach((value, k) => {
    if (isKept(values.length, resolution, k)) out[k % extent] = (out[k % extent] as number) + value
  })
  return out
}

/** `coarserAxis` of both axes. */
export const coarser = ({ rows, columns, values }: Spectrum, resolution: number): Spectrum => {
  const [height, width] = [rows / 2 ** resolution, columns / 2 ** resolution]
  const out = new Float64Array(height * width)
  values.forEach((value, index) => {
    const [k, l] = [Math.floor(index / columns), index % columns]
    if (!isKept(rows, resolution, k) || !isKept(columns, resolution, l)) return
    const at = (k % height) * width + (l % width)
    out[at] = (out[at] as number) + value
  })
  return { rows: height, columns: width, values: out }
}
