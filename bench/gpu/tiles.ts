/**
 * What products take by each tile of the WGSL kernels, and by others that could be one.
 */
import { isLeft } from 'fp-ts/lib/Either.js'
import { backendOn } from '../../src/tensor/backend/gpu/backend.js'
import { openWgsl } from '../../src/tensor/backend/gpu/wgsl/open.js'
import { nameOf, type Tile } from '../../src/tensor/backend/gpu/wgsl/sources/tile.js'
import { tiles } from '../../src/tensor/backend/gpu/wgsl/tiles.js'
import { products, type Times } from './times.js'

const others: readonly Tile[] = [
  { rows: 128, columns: 128, inner: 16, ownRows: 8, ownColumns: 8 },
  { rows: 128, columns: 64, inner: 8, ownRows: 8, ownColumns: 8 },
  { rows: 64, columns: 64, inner: 8, ownRows: 8, ownColumns: 8 },
  { rows: 64, columns: 64, inner: 16, ownRows: 4, ownColumns: 4 },
  { rows: 32, columns: 32, inner: 32, ownRows: 4, ownColumns: 4 },
]

/** 8 products of each extent by each tile, with the inner extent whole and in parts. */
export const tileTimes = async (extents: readonly number[], rounds: number): Promise<readonly Times[]> => {
  const found: Times[] = []
  const { large, middle, small } = tiles
  for (const tile of [large, middle, small, ...others])
    for (const cuts of [1, 4]) {
      const device = await openWgsl({ tile, cuts })()
      if (isLeft(device)) return found
      const backend = await backendOn(device.right)
      for (const extent of extents) {
        // Parts are for products of few tiles.
        if (cuts > 1 && (extent / tile.rows) * (extent / tile.columns) > 512) continue
        const times = await products(backend, extent, rounds)
        found.push({ ...times, what: `${times.what}, ${nameOf(tile)}${cuts > 1 ? `, ${cuts} parts` : ''}` })
      }
      backend.close()
    }
  return found
}
