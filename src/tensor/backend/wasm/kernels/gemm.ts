/**
 * Products of matrices, out[i, j] = f(Σₖ left[i, k]·right[k, j] + bias[j]), for a table of batches. Strides are in bytes.
 *
 * A chunk is a run of units; a unit is one block of rows × columns of one batch. k is cut into blocks of K_BLOCK, whose
 * partial sums are added in order: the same for every partition into units.
 */
import { address, argument } from './arguments'
import { thenNumbers } from './elementwise'
import { packColumns, packRows } from './pack'
import { putPart, tileColumns, tileRows } from './tile'

/** 8 columns × 256 rows fill a quarter of L1. */
const K_BLOCK: i32 = 256

/** Arguments: see `matmul.ts`; 16 bias or 0 · 17 f, as for `thenNumbers`. */
export function gemmChunk(chunk: i32, scratch: usize): void {
  const table = address(3)
  const m = argument(4)
  const k = argument(5)
  const p = argument(6)
  const leftM = address(7)
  const leftK = address(8)
  const rightK = address(9)
  const rightP = address(10)
  const rowBlock = argument(11)
  const columnBlock = argument(12)
  const unitsPerChunk = argument(14)
  const packs = argument(15)
  const rowBlocks = (m + rowBlock - 1) / rowBlock
  const columnBlocks = (p + columnBlock - 1) / columnBlock
  const end = min(argument(13), (chunk + 1) * unitsPerChunk)
  for (let unit = chunk * unitsPerChunk; unit < end; unit++) {
    const column = (unit % columnBlocks) * columnBlock
    const rest = unit / columnBlocks
    const row = (rest % rowBlocks) * rowBlock
    const batch = rest / rowBlocks
    const offsets = table + ((<usize>batch) << 3)
    const rows = min(rowBlock, m - row)
    const columns = min(columnBlock, p - column)
    const out = address(2) + (((<usize>batch * <usize>m + <usize>row) * <usize>p + <usize>column) << 2)
    gemm(
      address(0) + load<usize>(offsets) + <usize>row * leftM,
      leftM,
      leftK,
      address(1) + load<usize>(offsets, 4) + <usize>column * rightP,
      rightK,
      rightP,
      out,
      (<usize>p) << 2,
      rows,
      k,
      columns,
      packs,
      scratch,
    )
    if (address(16) || argument(17)) finish(out, (<usize>p) << 2, rows, columns, address(16) + ((<usize>column) << 2))
  }
}

/** Adds the bias to each row of a block, where there is one, and then takes f of it. */
function finish(out: usize, outM: usize, rows: i32, columns: i32, bias: usize): void {
  for (let i = 0; i < rows; i++, out += outM) {
    if (address(16)) {
      let j = 0
      for (; j + 4 <= columns; j += 4) {
        const at = (<usize>j) << 2
        v128.store(out + at, f32x4.add(v128.load(out + at), v128.load(bias + at)))
      }
      for (; j < columns; j++) {
        const at = (<usize>j) << 2
        store<f32>(out + at, load<f32>(out + at) + load<f32>(bias + at))
      }
    }
    thenNumbers(argument(17), out, columns)
  }
}

function gemm(
  left: usize,
  leftM: usize,
  leftK: usize,
  right: usize,
  rightK: usize,
  rightP: usize,
  out: usize,
  outM: usize,
  m: i32,
  k: i32,
  p: i32,
  packs: i32,
  scratch: usize,
): void {
  if (k === 1 && rightP === 4) {
    outer(left, leftM, right, out, outM, m, p)
    return
  }
  const packsLeft = (packs & 1) !== 0
  const packsRight = (packs & 2) !== 0
  const packedLeft = scratch + 128
  const packedRight = packedLeft + (packsLeft ? (<usize>((m + 3) & ~3) * <usize>K_BLOCK) << 2 : 0)
  let first = 0
  do {
    const depth = min(K_BLOCK, k - first)
    const accumulate = first > 0
    let a = left + <usize>first * leftK
    let aK = leftK
    if (packsLeft) {
      packRows(a, leftK, depth, m, packedLeft)
      a = packedLeft
      aK = 16
    }
    let b = right + <usize>first * rightK
    let bK = rightK
    let panel: usize = 32
    if (packsRight) {
      packColumns(b, rightK, rightP, depth, p, packedRight)
      b = packedRight
      bK = 32
      panel = (<usize>depth) << 5
    }
    const aStep: usize = packsLeft ? (<usize>depth) << 4 : 4 * leftM
    for (let j = 0; j < p; j += 8, b += panel) {
      const columns = min(8, p - j)
      for (let i = 0, at = a; i < m; i += 4, at += aStep) {
        const rows = min(4, m - i)
        const whole = rows === 4 && columns === 8
        const target = out + <usize>i * outM + ((<usize>j) << 2)
        const tile = whole ? target : scratch
        const tileM: usize = whole ? outM : 32
        if (leftK === 4 && !packsLeft) tileRows(at, leftM, rows, b, bK, depth, tile, tileM, whole && accumulate)
        else tileColumns(at, aK, b, bK, depth, tile, tileM, whole && accumulate)
        if (!whole) putPart(scratch, target, outM, rows, columns, accumulate)
      }
    }
    first += K_BLOCK
  } while (first < k)
}

/** A product with k = 1, row after row: it is as fast as memory takes it. */
function outer(left: usize, leftM: usize, right: usize, out: usize, outM: usize, m: i32, p: i32): void {
  for (; m > 0; m--, left += leftM, out += outM) {
    const a = v128.load32_splat(left)
    let b = right
    let at = out
    let rest = p
    for (; rest >= 8; rest -= 8, b += 32, at += 32) {
      v128.store(at, f32x4.mul(a, v128.load(b)))
      v128.store(at, f32x4.mul(a, v128.load(b, 16)), 16)
    }
    for (; rest > 0; rest--, b += 4, at += 4) v128.store32_lane(at, f32x4.mul(a, v128.load32_zero(b)), 0)
  }
}
