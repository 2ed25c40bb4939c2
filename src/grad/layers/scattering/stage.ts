/**
 * The linear maps between two moduli, as products with matrices that are made once. Planes stand with their pixels first
 * and everything else in lanes behind them, [rows, columns, lanes], so that each map is a product from the left.
 *
 * Legend: h, w pixel in · h′, w′ pixel out · k frequency along the rows · f filter · m lane (sample, channel, earlier filter).
 */
import type { Backend } from '../../../tensor/backend/backend.js'
import { sizeOf } from '../../../tensor/shape.js'
import { type Tensor, unsafeTensor } from '../../../tensor/tensor.js'
import { reshape, transpose } from '../../../tensor/view.js'
import { circleOf, type Spectrum } from './spectrum.js'

/** Where each place of the (padded, periodic) grid is read from. */
export interface Sources {
  readonly rows: readonly number[]
  readonly columns: readonly number[]
}

const last = (x: Tensor): number => x.shape.at(-1) as number

/** Convolutions of a plane with several complex filters, each result at every `stride`th pixel. */
export interface WaveletStage {
  /** [2k, h]: the DFT along the columns of pixels. */
  readonly analysis: Tensor
  /** [k, 2w′f, 2w]: for each frequency, the convolutions along the rows. */
  readonly convolution: Tensor
  /** [2h′, 2k]: back from frequencies. */
  readonly synthesis: Tensor
  readonly output: readonly [rows: number, columns: number]
}

interface Grid {
  readonly extent: number
  readonly sources: readonly number[]
}

const inputsOf = ({ sources }: Grid): number => Math.max(...sources) + 1

const analysisOf = (grid: Grid): Tensor => {
  const { cos, sin } = circleOf(grid.extent)
  const inputs = inputsOf(grid)
  const out = new Float64Array(2 * grid.extent * inputs)
  for (let k = 0; k < grid.extent; k++)
    grid.sources.forEach((source, place) => {
      const turn = (k * place) % grid.extent
      const at = 2 * k * inputs + source
      out[at] = (out[at] as number) + (cos[turn] as number)
      out[at + inputs] = (out[at + inputs] as number) - (sin[turn] as number)
    })
  return unsafeTensor(out, [2 * grid.extent, inputs])
}

const synthesisOf = (extent: number, stride: number): Tensor => {
  const { cos, sin } = circleOf(extent)
  const outputs = extent / stride
  const out = new Float64Array(4 * outputs * extent)
  for (let row = 0; row < outputs; row++)
    for (let k = 0; k < extent; k++) {
      const turn = (k * stride * row) % extent
      const [c, s] = [(cos[turn] as number) / extent, (sin[turn] as number) / extent]
      out.set([c, -s], 2 * (row * extent + k))
      out.set([s, c], 2 * ((outputs + row) * extent + k))
    }
  return unsafeTensor(out, [2 * outputs, 2 * extent])
}

/** The inverse DFT of one row of a spectrum: what its filter is along a row, for one frequency along the columns. */
const kernelOf = (spectrum: Float64Array): { readonly re: Float64Array; readonly im: Float64Array } => {
  const extent = spectrum.length
  const { cos, sin } = circleOf(extent)
  const inverse = (circle: Float64Array): Float64Array =>
    Float64Array.from({ length: extent }, (_, shift) => {
      let sum = 0
      for (let l = 0; l < extent; l++) sum += (spectrum[l] as number) * (circle[(l * shift) % extent] as number)
      return sum / extent
    })
  return { re: inverse(cos), im: inverse(sin) }
}

const convolutionOf = (spectra: readonly Spectrum[], rows: number, grid: Grid, stride: number): Tensor => {
  const { extent, sources } = grid
  const inputs = inputsOf(grid)
  const [outputs, filters] = [extent / stride, spectra.length]
  const shape = [rows, 2 * outputs * filters, 2 * inputs]
  const out = new Float64Array(sizeOf(shape))
  const half = outputs * filters * 2 * inputs
  const add = (at: number, value: number): void => {
    out[at] = (out[at] as number) + value
  }
  for (let k = 0; k < rows; k++)
    spectra.forEach(({ values }, filter) => {
      const { re, im } = kernelOf(values.subarray(k * extent, (k + 1) * extent))
      for (let column = 0; column < outputs; column++) {
        const row = 2 * k * half + (column * filters + filter) * 2 * inputs
        sources.forEach((source, place) => {
          const shift = (stride * column - place + extent) % extent
          const [a, b] = [re[shift] as number, im[shift] as number]
          add(row + source, a)
          add(row + inputs + source, -b)
          add(row + half + source, b)
          add(row + half + inputs + source, a)
        })
      }
    })
  return unsafeTensor(out, shape)
}

/**
 * Filters with real spectra as matrices.
 *
 *   zf[h′, w′] = Σ_{h,w} ψf[sh′ − h, sw′ − w] x[h, w]   (indices of ψ modulo the grid, s = stride)
 *
 * A DFT along h makes of each filter one circulant matrix along w for every frequency, whatever its shape.
 */
export const waveletStage = (
  spectra: readonly [Spectrum, ...Spectrum[]],
  sources: Sources,
  stride: number,
): WaveletStage => {
  const [{ rows, columns }] = spectra
  return {
    analysis: analysisOf({ extent: rows, sources: sources.rows }),
    convolution: convolutionOf(spectra, rows, { extent: columns, sources: sources.columns }, stride),
    synthesis: synthesisOf(rows, stride),
    output: [rows / stride, columns / stride],
  }
}

/** [h, w, m] → [2, h′, w′, f·m]: real and imaginary parts. */
export const applyStage =
  (backend: Backend, { analysis, convolution, synthesis, output }: WaveletStage) =>
  (x: Tensor): Tensor => {
    const [height, width, lanes] = x.shape as readonly [number, number, number]
    const frequencies = convolution.shape[0] as number
    const spectral = backend.matmul(analysis, reshape([height, width * lanes])(x))
    const convolved = backend.matmul(convolution, reshape([frequencies, 2 * width, lanes])(spectral))
    const inner = (output[1] * (convolution.shape[1] as number) * lanes) / (2 * output[1])
    const z = backend.matmul(synthesis, reshape([2 * frequencies, inner])(convolved))
    return reshape([2, ...output, inner / output[1]])(z)
  }

/** The adjoint: [2, h′, w′, f·m] → [h, w, m]. */
export const adjointStage =
  (backend: Backend, { analysis, convolution, synthesis, output }: WaveletStage) =>
  (gz: Tensor): Tensor => {
    const [frequencies, rows, inputs] = convolution.shape as readonly [number, number, number]
    const lanes = (2 * output[1] * last(gz)) / rows
    const convolved = backend.matmul(transpose()(synthesis), reshape([2 * output[0], output[1] * last(gz)])(gz))
    const spectral = backend.matmul(transpose([0, 2, 1])(convolution), reshape([frequencies, rows, lanes])(convolved))
    const gx = backend.matmul(transpose()(analysis), reshape([2 * frequencies, (inputs / 2) * lanes])(spectral))
    return reshape([analysis.shape[1] as number, inputs / 2, lanes])(gx)
  }

/** Convolution with a product of two filters, one for each axis, at every `stride`th pixel but the outermost. */
export interface LowPass {
  /** [h′, h] */
  readonly rows: Tensor
  /** [w′, w] */
  readonly columns: Tensor
}

const axisOf = (spectrum: Float64Array, sources: readonly number[], stride: number): Tensor => {
  const extent = spectrum.length
  const { re } = kernelOf(spectrum)
  const inputs = inputsOf({ extent, sources })
  const outputs = extent / stride - 2
  const out = new Float64Array(outputs * inputs)
  for (let row = 0; row < outputs; row++)
    sources.forEach((source, place) => {
      const at = row * inputs + source
      out[at] = (out[at] as number) + (re[(stride * (row + 1) - place + extent) % extent] as number)
    })
  return unsafeTensor(out, [outputs, inputs])
}

/** One spectrum for each axis; the outermost results, half of which is padding, are left out. */
export const lowPass = (
  spectra: { readonly rows: Float64Array; readonly columns: Float64Array },
  sources: Sources,
  stride: number,
): LowPass => ({
  rows: axisOf(spectra.rows, sources.rows, stride),
  columns: axisOf(spectra.columns, sources.columns, stride),
})

/** [h, w, m] → [h′, w′, m] */
export const applyLowPass =
  (backend: Backend, { rows, columns }: LowPass) =>
  (x: Tensor): Tensor => {
    const [height, width, lanes] = x.shape as readonly [number, number, number]
    const down = backend.matmul(rows, reshape([height, width * lanes])(x))
    return backend.matmul(columns, reshape([rows.shape[0] as number, width, lanes])(down))
  }

/** The adjoint: [h′, w′, m] → [h, w, m]. */
export const adjointLowPass =
  (backend: Backend, { rows, columns }: LowPass) =>
  (gy: Tensor): Tensor => {
    const [outputs, height] = rows.shape as readonly [number, number]
    const [width, lanes] = [columns.shape[1] as number, last(gy)]
    const down = backend.matmul(transpose()(columns), gy)
    const gx = backend.matmul(transpose()(rows), reshape([outputs, width * lanes])(down))
    return reshape([height, width, lanes])(gx)
  }
