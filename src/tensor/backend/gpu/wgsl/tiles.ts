/**
 * Which tile a product takes, and into how many parts a long inner extent is cut.
 */
import type { Tile } from './sources/tile.js'

/** Groups that keep a large device busy: what a tile should have at least. */
const BUSY = 128

export const tiles: Readonly<Record<'large' | 'middle' | 'small' | 'low' | 'flat', Tile>> = {
  large: { rows: 128, columns: 128, inner: 8, ownRows: 8, ownColumns: 8 },
  middle: { rows: 64, columns: 64, inner: 16, ownRows: 8, ownColumns: 4 },
  small: { rows: 32, columns: 32, inner: 16, ownRows: 4, ownColumns: 4 },
  low: { rows: 32, columns: 64, inner: 16, ownRows: 4, ownColumns: 4 },
  flat: { rows: 16, columns: 64, inner: 16, ownRows: 4, ownColumns: 4 },
}

/** What tests and benchmarks prescribe. */
export interface Prescribed {
  readonly tile?: Tile
  readonly cuts?: number
  /** Is the geometry of every convolution written into its shader, or of none? */
  readonly isWritten?: boolean
}

/** out [batches, rows, columns] = Σ over the inner extent. */
export type Extents = Readonly<Record<'rows' | 'columns' | 'inner' | 'batches', number>>

export const tilesOver = (tile: Tile, { rows, columns, batches }: Extents): number =>
  batches * Math.ceil(rows / tile.rows) * Math.ceil(columns / tile.columns)

/** Where there are few groups: parts of at least 128 terms. */
export const cutsOf = (groups: number, inner: number): number =>
  Math.max(1, Math.min(Math.floor(inner / 128), Math.ceil((2 * BUSY) / groups), 64))

/** The largest tile that enough groups have, of a product of matrices. */
export const tileOfProduct = (extents: Extents): Tile => {
  const fits = (tile: Tile): boolean =>
    extents.rows > tile.rows / 2 && extents.columns > tile.columns / 2 && tilesOver(tile, extents) >= BUSY
  return [tiles.large, tiles.middle].find(fits) ?? tiles.small
}

/** Of a convolution, whose rows are channels; none where these are so few that a tile would be nearly empty. */
export const tileOfConvolution = (extents: Extents): Tile | undefined => {
  if (extents.rows <= 4) return undefined
  if (extents.rows <= 16) return tiles.flat
  return extents.rows > 32 && tilesOver(tiles.middle, extents) >= BUSY ? tiles.middle : tiles.low
}
