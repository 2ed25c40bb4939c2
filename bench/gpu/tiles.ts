/**
 * What products take by each tile of the WGSL kernels, and by others that could be one.
 */
import { isLeft } from 'fp-ts/lib/Either.js'
import { backendOn, type GpuBackend } from '../../src/tensor/backend/gpu/backend.js'
import { openWgsl } from '../../src/tensor/backend/gpu/wgsl/open.js'
import { nameOf, type Tile } from '../../src/tensor/backend/gpu/wgsl/sources/tile.js'
import { tiles } from '../../src/tensor/backend/gpu/wgsl/tiles.js'
import { products, type Times } from './times.js'

const others: readonly Tile[] = [
  { rows: 128, columns: 128, inner: 16, ownRows: 8, ownColumns: 8 },
  { rows: 128, columns: 64, inner: 8, ownRows: 8, ownColumns: 8 },
  { rows: 64, columns: 64, inner: 8, ownRows: 8, ownColumns: 8 },
  { rows: 64, columns: 64, inner: 16, ownRows: 4, ownColumns: 4 },
]

/** What 32 products take beyond 8: without the copies there and back. */
const furtherProducts = async (backend: GpuBackend, extent: number, rounds: number): Promise<Times> => {
  const few = await products(backend, extent, rounds, 8)
  const many = await products(backend, extent, rounds, 40)
  return {
    what: `32 further products of ${extent}`,
    first: few.first,
    rounds: many.rounds.map((time, i) => time - (few.rounds[i] as number)),
    flops: 32 * 2 * extent ** 3,
  }
}

/** Products of each extent by the tile that they take, and by each: with the inner extent whole, and in parts. */
export const tileTimes = async (extents: readonly number[], rounds: number): Promise<readonly Times[]> => {
  const found: Times[] = []
  const { large, middle, small } = tiles
  for (const tile of [undefined, large, middle, small, ...others])
    for (const cuts of tile === undefined ? [undefined] : [1, 4]) {
      const device = await openWgsl(tile === undefined ? {} : { tile, cuts: cuts ?? 1 })()
      if (isLeft(device)) return found
      const backend = await backendOn(device.right)
      for (const extent of extents) {
        // Parts are for products of few tiles.
        if (cuts === 4 && tile !== undefined && extent ** 2 / (tile.rows * tile.columns) > 128) continue
        const times = await furtherProducts(backend, extent, rounds)
        const how = tile === undefined ? 'as chosen' : `${nameOf(tile)}${cuts === 4 ? ', 4 parts' : ''}`
        found.push({ ...times, what: `${times.what}, ${how}` })
      }
      backend.close()
    }
  return found
}
