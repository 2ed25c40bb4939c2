/**
 * What a scattering transform is made of for images of one size: where it mirrors them, and the matrices of each branch.
 */
import { coarser, coarserAxis, lowPassSpectrum, morletSpectrum, type Spectrum } from './spectrum.js'
import { type LowPass, lowPass, type Sources, type WaveletStage, waveletStage } from './stage.js'

/** Moduli of one scale, what follows from them, and where they are averaged. */
export interface Branch {
  readonly stage: WaveletStage
  readonly average: LowPass
  /** The scales that are coarser. */
  readonly next: readonly Branch[]
}

/** The matrices for images of one size. */
export interface Network {
  readonly average: LowPass
  readonly branches: readonly Branch[]
}

/** start, start + 1, … @internal */
export const range = (count: number, start = 0): readonly number[] => Array.from({ length: count }, (_, i) => start + i)

/** An extent with room for reflections, divisible by 2ᴶ. */
export const paddedExtent = (extent: number, scales: number): number =>
  (Math.floor(extent / 2 ** scales) + 2) * 2 ** scales

/** Where the places of a padded axis are read from: it mirrors about its outermost pixels. */
const reflected = (extent: number, scales: number): readonly number[] => {
  const padded = paddedExtent(extent, scales)
  const before = Math.floor((padded - extent) / 2)
  return range(padded, -before).map((place) => (place < 0 ? -place : place < extent ? place : 2 * (extent - 1) - place))
}

/**
 * The matrices of a network.
 *
 * Cost  O(J² L hw²) numbers, and as much time as some images take
 */
export const networkOf = ([height, width]: readonly [number, number], scales: number, angles: number): Network => {
  const padded: Sources = { rows: reflected(height, scales), columns: reflected(width, scales) }
  const [rows, columns] = [padded.rows.length, padded.columns.length]
  const wavelets = range(scales).map((scale) =>
    range(angles).map((angle) => morletSpectrum({ rows, columns, scale, angle, angles })),
  )
  const average = { rows: lowPassSpectrum(rows, scales), columns: lowPassSpectrum(columns, scales) }
  const gridAt = (resolution: number): Sources => ({
    rows: range(rows / 2 ** resolution),
    columns: range(columns / 2 ** resolution),
  })
  const averageAt = (resolution: number): LowPass =>
    lowPass(
      { rows: coarserAxis(average.rows, resolution), columns: coarserAxis(average.columns, resolution) },
      gridAt(resolution),
      2 ** (scales - resolution),
    )
  const branch = (sources: Sources, from: number, scale: number, next: readonly Branch[]): Branch => {
    const spectra = (wavelets[scale] as readonly Spectrum[]).map((spectrum) => coarser(spectrum, from))
    return {
      stage: waveletStage(spectra as [Spectrum, ...Spectrum[]], sources, 2 ** (scale - from)),
      average: averageAt(scale),
      next,
    }
  }
  return {
    average: lowPass(average, padded, 2 ** scales),
    branches: range(scales).map((scale) =>
      branch(
        padded,
        0,
        scale,
        range(scales - scale - 1, scale + 1).map((second) => branch(gridAt(scale), scale, second, [])),
      ),
    ),
  }
}
