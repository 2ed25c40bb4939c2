/**
 * Inputs of a 3 × 3 convolution at the points of filtering, Bᵀ x B: along columns for a row of tiles, then along rows for four tiles.
 * Arguments 8 to 23 the geometry (`window.ts`) · 26 tiles of a row.
 */
import { argument } from './arguments'
import { h, padH, padW, w } from './window'
import { forwardRow } from './winograd-points'

/** An odd number of cache lines, at least so many bytes: steps of a power of two would all fall into one set of L1. */
// @inline
export function apart(bytes: usize): usize {
  return (((bytes + 63) >> 6) | 1) << 6
}

/** Bytes of a row of transformed inputs: 4 columns a tile and two more, and what a vector writes past its end. */
// @inline
export function rowBytes(): usize {
  return (<usize>(4 * argument(26) + 16)) << 2
}

/**
 * Bᵀ x of one row of tiles: 6 rows of `rowBytes`, column 0 of which stands `padW` left of the input. `zeros` is a row of zeros.
 */
export function inputRows(plane: usize, tileRow: i32, zeros: usize, out: usize): void {
  const columns = w()
  const width = rowBytes()
  const row = (<usize>columns) << 2
  const top = 4 * tileRow - padH()
  const r0 = rowOr(plane, top, row, zeros)
  const r1 = rowOr(plane, top + 1, row, zeros)
  const r2 = rowOr(plane, top + 2, row, zeros)
  const r3 = rowOr(plane, top + 3, row, zeros)
  const r4 = rowOr(plane, top + 4, row, zeros)
  const r5 = rowOr(plane, top + 5, row, zeros)
  const left = padW()
  const used = min(columns, 4 * argument(26) + 2 - left)
  const end = (<usize>(left + used)) << 2
  // Where vectors are stored is where they are loaded again: what is stored askew would have to leave the store queue first.
  let x: usize = 0
  if (left > 0) {
    const kept = firstLanes(end)
    forwardRow(
      v128.and(kept, after(left, r0)),
      v128.and(kept, after(left, r1)),
      v128.and(kept, after(left, r2)),
      v128.and(kept, after(left, r3)),
      v128.and(kept, after(left, r4)),
      v128.and(kept, after(left, r5)),
      out,
      width,
    )
    x = 16
  }
  const back = (<usize>left) << 2
  for (; x + 16 <= end; x += 16) {
    const at = x - back
    forwardRow(
      v128.load(r0 + at),
      v128.load(r1 + at),
      v128.load(r2 + at),
      v128.load(r3 + at),
      v128.load(r4 + at),
      v128.load(r5 + at),
      out + x,
      width,
    )
  }
  if (x < end) {
    const at = x - back
    const kept = firstLanes(end - x)
    forwardRow(
      v128.and(kept, v128.load(r0 + at)),
      v128.and(kept, v128.load(r1 + at)),
      v128.and(kept, v128.load(r2 + at)),
      v128.and(kept, v128.load(r3 + at)),
      v128.and(kept, v128.load(r4 + at)),
      v128.and(kept, v128.load(r5 + at)),
      out + x,
      width,
    )
    x += 16
  }
  clearRows(out, x, width)
}

/** Zeros in six rows, `width` apart, from column x on as far as tiles reach, in whole vectors. */
// @inline
function clearRows(rows: usize, x: usize, width: usize): void {
  for (const end = (<usize>(argument(26) + 1)) << 4; x < end; x += 16)
    for (let line = rows + x, i = 0; i < 6; i++, line += width) v128.store(line, f32x4.splat(0))
}

/** Ones in as many lanes as so many bytes fill. */
// @inline
export function firstLanes(bytes: usize): v128 {
  return i32x4.lt_u(i32x4(0, 4, 8, 12), i32x4.splat(<i32>min(bytes, 16)))
}

/** The first numbers of a row behind so many zeros, 1 or 2. */
// @inline
function after(zeros: i32, row: usize): v128 {
  const first = v128.load(row)
  return zeros === 1
    ? v128.shuffle<f32>(f32x4.splat(0), first, 0, 4, 5, 6)
    : v128.shuffle<f32>(f32x4.splat(0), first, 0, 1, 4, 5)
}

// @inline
function rowOr(plane: usize, row: i32, bytes: usize, zeros: usize): usize {
  return row >= 0 && row < h() ? plane + <usize>row * bytes : zeros
}

/** Four tiles of 6 × 6, given where each begins in its transformed rows, times B: 36 vectors, `step` apart. */
export function inputTiles(a: usize, b: usize, d: usize, e: usize, out: usize, step: usize): void {
  const width = rowBytes()
  if (b - a === 16 && d - a === 32 && e - a === 48) {
    // Side by side: what one tile ends with the next one begins with.
    for (let i = 0; i < 6; i++) {
      const v0 = v128.load(a)
      const v1 = v128.load(a, 16)
      const v2 = v128.load(a, 32)
      const v3 = v128.load(a, 48)
      const v4 = v128.load(a, 64)
      const t0 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5)
      const t1 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5)
      const t2 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7)
      const t3 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7)
      const d0 = v128.shuffle<f32>(t0, t1, 0, 1, 4, 5)
      const d1 = v128.shuffle<f32>(t0, t1, 2, 3, 6, 7)
      forwardRow(
        d0,
        d1,
        v128.shuffle<f32>(t2, t3, 0, 1, 4, 5),
        v128.shuffle<f32>(t2, t3, 2, 3, 6, 7),
        v128.shuffle<f32>(d0, v4, 1, 2, 3, 4),
        v128.shuffle<f32>(d1, v4, 1, 2, 3, 5),
        out,
        step,
      )
      a += width
      out += 6 * step
    }
    return
  }
  for (let i = 0; i < 6; i++) {
    const v0 = v128.load(a)
    const v1 = v128.load(b)
    const v2 = v128.load(d)
    const v3 = v128.load(e)
    const t0 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5)
    const t1 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5)
    const t2 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7)
    const t3 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7)
    const u0 = v128.shuffle<f32>(v128.load(a, 16), v128.load(b, 16), 0, 4, 1, 5)
    const u1 = v128.shuffle<f32>(v128.load(d, 16), v128.load(e, 16), 0, 4, 1, 5)
    forwardRow(
      v128.shuffle<f32>(t0, t1, 0, 1, 4, 5),
      v128.shuffle<f32>(t0, t1, 2, 3, 6, 7),
      v128.shuffle<f32>(t2, t3, 0, 1, 4, 5),
      v128.shuffle<f32>(t2, t3, 2, 3, 6, 7),
      v128.shuffle<f32>(u0, u1, 0, 1, 4, 5),
      v128.shuffle<f32>(u0, u1, 2, 3, 6, 7),
      out,
      step,
    )
    a += width
    b += width
    d += width
    e += width
    out += 6 * step
  }
}
