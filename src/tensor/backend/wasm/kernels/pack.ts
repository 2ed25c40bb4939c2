/**
 * Right factors in panels of 8 columns, [columns / 8][k][8], padded with zeros: what a tile reads from one end to the
 * other. Left factors in panels of 4 rows, [rows / 4][k][4].
 */

/** Element (k, column) of the source is at source + k·sourceK + column·sourceColumn. */
export function packColumns(
  source: usize,
  sourceK: usize,
  sourceColumn: usize,
  k: i32,
  columns: i32,
  out: usize,
): void {
  for (; columns > 0; columns -= 8) {
    if (columns >= 8 && sourceColumn === 4) {
      for (let i = 0, from = source; i < k; i++, from += sourceK, out += 32) {
        v128.store(out, v128.load(from))
        v128.store(out, v128.load(from, 16), 16)
      }
    } else if (columns >= 8 && sourceK === 4) {
      transposeColumns(source, sourceColumn, k, out)
      transposeColumns(source + 4 * sourceColumn, sourceColumn, k, out + 16)
      out += (<usize>k) << 5
    } else {
      for (let i = 0, from = source; i < k; i++, from += sourceK, out += 32) {
        for (let j = 0, at = from; j < 8; j++, at += sourceColumn)
          store<f32>(out + ((<usize>j) << 2), j < columns ? load<f32>(at) : 0)
      }
    }
    source += 8 * sourceColumn
  }
}

/** Four columns with adjacent k, to every eighth place of a panel. */
function transposeColumns(source: usize, column: usize, k: i32, out: usize): void {
  let a = source
  let b = source + column
  let c = source + 2 * column
  let d = source + 3 * column
  for (; k >= 4; k -= 4) {
    const r0 = v128.load(a)
    const r1 = v128.load(b)
    const r2 = v128.load(c)
    const r3 = v128.load(d)
    const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5)
    const t1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5)
    const t2 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7)
    const t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7)
    v128.store(out, v128.shuffle<f32>(t0, t1, 0, 1, 4, 5))
    v128.store(out, v128.shuffle<f32>(t0, t1, 2, 3, 6, 7), 32)
    v128.store(out, v128.shuffle<f32>(t2, t3, 0, 1, 4, 5), 64)
    v128.store(out, v128.shuffle<f32>(t2, t3, 2, 3, 6, 7), 96)
    a += 16
    b += 16
    c += 16
    d += 16
    out += 128
  }
  for (; k > 0; k--) {
    store<f32>(out, load<f32>(a))
    store<f32>(out, load<f32>(b), 4)
    store<f32>(out, load<f32>(c), 8)
    store<f32>(out, load<f32>(d), 12)
    a += 4
    b += 4
    c += 4
    d += 4
    out += 32
  }
}

/** Rows that are adjacent in memory, column k at source + k·sourceK. May read 12 bytes past the last row. */
export function packRows(source: usize, sourceK: usize, k: i32, rows: i32, out: usize): void {
  for (; rows > 0; rows -= 4, source += 16)
    for (let i = 0, from = source; i < k; i++, from += sourceK, out += 16) v128.store(out, v128.load(from))
}
