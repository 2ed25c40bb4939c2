/**
 * The way back from points to filters: Gᵀ p G of four filters at once.
 */
import { filterRow } from './winograd-points'

/** Gᵀ p G of up to four filters, put where they belong or added to what is there. */
// @inline
export function addFilters(from: usize, temporary: usize, out: usize, filters: i32, accumulate: bool): void {
  if (!accumulate) {
    putFilters(from, temporary, out, filters)
    return
  }
  const added = temporary + 480
  putFilters(from, temporary, added, filters)
  if (filters === 4)
    for (let i: usize = 0; i < 144; i += 16) v128.store(out + i, f32x4.add(v128.load(out + i), v128.load(added + i)))
  else
    for (let i: usize = 0; i < <usize>filters * 36; i += 4)
      store<f32>(out + i, load<f32>(out + i) + load<f32>(added + i))
}

/** Gᵀ p G of up to four filters, each 36 numbers in one lane, 128 bytes apart. */
function putFilters(from: usize, temporary: usize, out: usize, filters: i32): void {
  for (let i: usize = 0; i < 6; i++) filterRow(from + 768 * i, 128, temporary + 48 * i, 16)
  const result = temporary + 288
  for (let column: usize = 0; column < 3; column++) filterRow(temporary + (column << 4), 48, result + (column << 4), 48)
  if (filters === 4) {
    putTaps(result, out)
    putTaps(result + 64, out + 16)
    const last = v128.load(result, 128)
    v128.store32_lane(out, last, 0, 32)
    v128.store32_lane(out, last, 1, 68)
    v128.store32_lane(out, last, 2, 104)
    v128.store32_lane(out, last, 3, 140)
    return
  }
  for (let filter = 0; filter < filters; filter++, out += 36) {
    let at = result + ((<usize>filter) << 2)
    for (let tap: usize = 0; tap < 36; tap += 4, at += 16) store<f32>(out + tap, load<f32>(at))
  }
}

/** Four taps of four filters, from a vector for each tap to neighbours within each filter. */
// @inline
function putTaps(from: usize, out: usize): void {
  const v0 = v128.load(from)
  const v1 = v128.load(from, 16)
  const v2 = v128.load(from, 32)
  const v3 = v128.load(from, 48)
  const t0 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5)
  const t1 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5)
  const t2 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7)
  const t3 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7)
  v128.store(out, v128.shuffle<f32>(t0, t1, 0, 1, 4, 5))
  v128.store(out, v128.shuffle<f32>(t0, t1, 2, 3, 6, 7), 36)
  v128.store(out, v128.shuffle<f32>(t2, t3, 0, 1, 4, 5), 72)
  v128.store(out, v128.shuffle<f32>(t2, t3, 2, 3, 6, 7), 108)
}
