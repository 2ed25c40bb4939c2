/**
 * The scattering transform as it is defined: filters as they are in space, and every convolution a sum over all pairs of
 * pixels. Slow, and written without the implementation.
 */

/** A complex image, row-major. */
export interface Plane {
  readonly rows: number
  readonly columns: number
  readonly re: readonly number[]
  readonly im: readonly number[]
}

const plane = (rows: number, columns: number, value: (row: number, column: number) => readonly number[]): Plane => {
  const values = Array.from({ length: rows * columns }, (_, at) => value(Math.floor(at / columns), at % columns))
  return { rows, columns, re: values.map(([re = 0]) => re), im: values.map(([, im = 0]) => im) }
}

const modulo = (value: number, extent: number): number => ((value % extent) + extent) % extent

/** Σᵥ filter(su − v) x(v), u on the grid of every s-th pixel. */
export const convolve = (x: Plane, filter: Plane, stride: number): Plane =>
  plane(x.rows / stride, x.columns / stride, (row, column) => {
    let [re, im] = [0, 0]
    for (let r = 0, at = 0; r < x.rows; r++)
      for (let c = 0; c < x.columns; c++, at++) {
        const from = modulo(stride * row - r, x.rows) * x.columns + modulo(stride * column - c, x.columns)
        const [a, b] = [filter.re[from] as number, filter.im[from] as number]
        const [y, z] = [x.re[at] as number, x.im[at] as number]
        re += a * y - b * z
        im += a * z + b * y
      }
    return [re, im]
  })

const modulusOf = ({ rows, columns, re, im }: Plane): Plane => ({
  rows,
  columns,
  re: re.map((value, at) => Math.hypot(value, im[at] as number)),
  im: im.map(() => 0),
})

interface Gabor {
  readonly sigma: number
  readonly theta: number
  readonly xi: number
  readonly slant: number
}

/** A plane wave under an ellipse, summed over 5 × 5 copies of the grid. */
const gabor = (rows: number, columns: number, { sigma, theta, xi, slant }: Gabor): Plane =>
  plane(rows, columns, (row, column) => {
    let [re, im] = [0, 0]
    for (let up = -2; up <= 2; up++)
      for (let left = -2; left <= 2; left++) {
        const [y, x] = [row + up * rows, column + left * columns]
        // The axes of the ellipse: along the wave, and across it.
        const along = y * Math.cos(theta) + x * Math.sin(theta)
        const across = -y * Math.sin(theta) + x * Math.cos(theta)
        const envelope = Math.exp(-(along ** 2 + (slant * across) ** 2) / (2 * sigma ** 2))
        re += envelope * Math.cos(xi * along)
        im += envelope * Math.sin(xi * along)
      }
    // biome-ignore lint/suspicious/noApproximativeNumericConstant: the definition has this number.
    const norm = (2 * 3.1415 * sigma ** 2) / slant
    return [re / norm, im / norm]
  })

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

/** ψ of scale j and angle ℓ: without mean. */
export const morlet = (rows: number, columns: number, scale: number, angle: number, angles: number): Plane => {
  const shape = {
    sigma: 0.8 * 2 ** scale,
    theta: ((Math.trunc(angles - angles / 2 - 1) - angle) * Math.PI) / angles,
    slant: 4 / angles,
  }
  const wave = gabor(rows, columns, { ...shape, xi: (0.75 * Math.PI) / 2 ** scale })
  const bell = gabor(rows, columns, { ...shape, xi: 0 })
  const [real, imaginary] = [sum(wave.re) / sum(bell.re), sum(wave.im) / sum(bell.re)]
  return {
    ...wave,
    re: wave.re.map((value, at) => value - real * (bell.re[at] as number)),
    im: wave.im.map((value, at) => value - imaginary * (bell.re[at] as number)),
  }
}

export const lowPassFilter = (rows: number, columns: number, scales: number): Plane =>
  gabor(rows, columns, { sigma: 0.8 * 2 ** (scales - 1), theta: 0, xi: 0, slant: 1 })

/** The DFT, or with sign 1 and the mean its inverse: a sum over all pixels for each frequency. */
const transformed = (x: Plane, sign: 1 | -1): Plane =>
  plane(x.rows, x.columns, (k, l) => {
    let [re, im] = [0, 0]
    for (let r = 0, at = 0; r < x.rows; r++)
      for (let c = 0; c < x.columns; c++, at++) {
        const angle = sign * 2 * Math.PI * ((k * r) / x.rows + (l * c) / x.columns)
        re += (x.re[at] as number) * Math.cos(angle) - (x.im[at] as number) * Math.sin(angle)
        im += (x.re[at] as number) * Math.sin(angle) + (x.im[at] as number) * Math.cos(angle)
      }
    const scale = sign === 1 ? 1 / (x.rows * x.columns) : 1
    return [re * scale, im * scale]
  })

/** A filter on a grid that is 2ʳ times coarser: the frequencies that the grid has no room for are cut, the rest folded. */
const coarserFilter = (filter: Plane, resolution: number): Plane => {
  if (resolution === 0) return filter
  const factor = 2 ** resolution
  const spectrum = transformed(filter, -1)
  const [rows, columns] = [filter.rows / factor, filter.columns / factor]
  const isCut = (k: number, extent: number): boolean => k >= extent / factor / 2 && k < extent - extent / factor / 2
  const folded = plane(rows, columns, (k, l) => {
    let re = 0
    for (let up = 0; up < factor; up++)
      for (let left = 0; left < factor; left++) {
        const [row, column] = [k + up * rows, l + left * columns]
        if (!isCut(row, filter.rows) && !isCut(column, filter.columns))
          re += spectrum.re[row * filter.columns + column] as number
      }
    return [re]
  })
  return transformed(folded, 1)
}

/** The image with its edges mirrored, as the transform sees it. */
export const mirrored = (image: readonly number[], height: number, width: number, scales: number): Plane => {
  const padded = (extent: number): number => (Math.floor((extent + 2 ** scales) / 2 ** scales) + 1) * 2 ** scales
  const source = (place: number, extent: number): number => {
    const at = place - Math.floor((padded(extent) - extent) / 2)
    return at < 0 ? -at : at >= extent ? 2 * (extent - 1) - at : at
  }
  return plane(padded(height), padded(width), (row, column) => [
    image[source(row, height) * width + source(column, width)] as number,
  ])
}

const inner = ({ rows, columns, re }: Plane): readonly number[] =>
  re.filter((_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns]
    return row > 0 && row < rows - 1 && column > 0 && column < columns - 1
  })

/** [K, h′, w′], row-major, of an image of one plane. */
export const scatteringByDefinition = (
  image: readonly number[],
  { height, width, scales, angles }: Readonly<Record<'height' | 'width' | 'scales' | 'angles', number>>,
): readonly number[] => {
  const x = mirrored(image, height, width, scales)
  const average = lowPassFilter(x.rows, x.columns, scales)
  const averaged = (u: Plane, resolution: number): readonly number[] =>
    inner(convolve(u, coarserFilter(average, resolution), 2 ** (scales - resolution)))
  const wavelets = Array.from({ length: scales * angles }, (_, index) => {
    const [scale, angle] = [Math.floor(index / angles), index % angles]
    return { scale, filter: morlet(x.rows, x.columns, scale, angle, angles) }
  })
  const first = wavelets.map(({ scale, filter }) => ({ scale, u: modulusOf(convolve(x, filter, 2 ** scale)) }))
  const second = first.flatMap(({ scale, u }) =>
    wavelets
      .filter((later) => later.scale > scale)
      .map((later) => ({
        scale: later.scale,
        u: modulusOf(convolve(u, coarserFilter(later.filter, scale), 2 ** (later.scale - scale))),
      })),
  )
  return [...averaged(x, 0), ...[...first, ...second].flatMap(({ scale, u }) => averaged(u, scale))]
}
