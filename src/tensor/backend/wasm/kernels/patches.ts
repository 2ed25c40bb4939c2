/**
 * Patches of one sample as rows, and their adjoint. A row is what one output position sees: [channel][kh][kw].
 */
import { dilationH, dilationW, h, kh, kw, ow, padH, padW, strideH, strideW, w } from './window'

/** The first output column, at or after 0, whose window starts at or right of the left edge. */
// @inline
function firstInside(): i32 {
  return (padW() + strideW() - 1) / strideW()
}

/** One past the last output column whose window, of whole runs of kw, ends within the row. */
// @inline
function endInside(): i32 {
  const room = w() + padW() - (kw() - 1) * dilationW() - 1
  return room < 0 ? 0 : min(ow(), room / strideW() + 1)
}

/**
 * Writes the patches of `channels` planes at the positions first ≤ p < end. Runs of kw numbers are copied four at a time, and
 * what a run writes past its end is overwritten by the next: rows are padded to at least three more numbers, or a multiple
 * of 8, and the padding is zeroed.
 */
export function packPatches(planes: usize, channels: i32, first: i32, end: i32, out: usize, rowBytes: usize): void {
  const width = ow()
  const run = kw()
  const height = h()
  const columns = w()
  const step = dilationW()
  const inside = step === 1 ? firstInside() : width
  const outside = step === 1 ? max(inside, endInside()) : width
  const plane = (<usize>height * <usize>columns) << 2
  const used = (<usize>channels * <usize>kh() * <usize>run) << 2
  while (first < end) {
    const y = first / width
    const from = first - y * width
    const to = min(width, from + end - first)
    let target = out
    for (let channel = 0; channel < channels; channel++) {
      const base = planes + <usize>channel * plane
      for (let ky = 0; ky < kh(); ky++, target += (<usize>run) << 2) {
        const row = y * strideH() + ky * dilationH() - padH()
        if (row < 0 || row >= height) {
          for (let x = from, at = target; x < to; x++, at += rowBytes)
            for (let i = 0; i < run; i++) store<f32>(at + ((<usize>i) << 2), 0)
          continue
        }
        const source = base + ((<usize>row * <usize>columns) << 2)
        let at = target
        let x = from
        for (const stop = min(to, inside); x < stop; x++, at += rowBytes) packRun(source, x, at)
        const stop = min(to, outside)
        if (x < stop) {
          const advance = (<usize>strideW()) << 2
          let read = source + ((<usize>(x * strideW() - padW())) << 2)
          if (run <= 4) {
            for (; x < stop; x++, at += rowBytes, read += advance) v128.store(at, v128.load(read))
          } else if (run <= 8) {
            for (; x < stop; x++, at += rowBytes, read += advance) {
              v128.store(at, v128.load(read))
              v128.store(at, v128.load(read, 16), 16)
            }
          } else {
            for (; x < stop; x++, at += rowBytes, read += advance)
              for (let i: usize = 0; i < <usize>run; i += 4) v128.store(at + (i << 2), v128.load(read + (i << 2)))
          }
        }
        for (; x < to; x++, at += rowBytes) packRun(source, x, at)
      }
    }
    for (let x = from, at = out; x < to; x++, at += rowBytes)
      for (let i = used; i < rowBytes; i += 4) store<f32>(at + i, 0)
    out += <usize>(to - from) * rowBytes
    first += to - from
  }
}

/** One run at an edge, or a dilated one. */
function packRun(source: usize, x: i32, at: usize): void {
  let column = x * strideW() - padW()
  for (let i = 0; i < kw(); i++, at += 4, column += dilationW())
    store<f32>(at, column >= 0 && column < w() ? load<f32>(source + ((<usize>column) << 2)) : 0)
}

/** The adjoint of `packPatches`: adds rows of patches to the planes. */
export function addPatches(planes: usize, channels: i32, first: i32, end: i32, from: usize, rowBytes: usize): void {
  const width = ow()
  const run = kw()
  const height = h()
  const columns = w()
  const plane = (<usize>height * <usize>columns) << 2
  const step = dilationW()
  const inside = step === 1 ? firstInside() : width
  const outside = step === 1 ? max(inside, endInside()) : width
  const kernel = kh()
  const rowStep = ((<usize>columns) << 2) * <usize>dilationH()
  for (; first < end; first++, from += rowBytes) {
    const y = first / width
    const x = first - y * width
    const column = x * strideW() - padW()
    const top = y * strideH() - padH()
    // Neighbouring positions overlap in the planes; all channels of one position come between them, so that no load has to
    // wait for the store before it.
    let read = from
    let base = planes + ((<usize>(top * columns + column)) << 2)
    const whole = x >= inside && x < outside
    for (let channel = 0; channel < channels; channel++, base += plane) {
      let at = base
      let row = top
      for (let ky = 0; ky < kernel; ky++, row += dilationH(), at += rowStep, read += (<usize>run) << 2) {
        if (row < 0 || row >= height) continue
        if (whole) addRun(read, run, at)
        else
          for (let i = 0, place = column; i < run; i++, place += step)
            if (place >= 0 && place < columns) {
              const target = at + ((<usize>(i * step)) << 2)
              store<f32>(target, load<f32>(target) + load<f32>(read + ((<usize>i) << 2)))
            }
      }
    }
  }
}

// @inline
function addRun(read: usize, run: i32, at: usize): void {
  for (; run >= 4; run -= 4, read += 16, at += 16) v128.store(at, f32x4.add(v128.load(at), v128.load(read)))
  if (run & 2) {
    v128.store64_lane(at, f32x4.add(v128.load64_zero(at), v128.load64_zero(read)), 0)
    at += 8
    read += 8
  }
  if (run & 1) store<f32>(at, load<f32>(at) + load<f32>(read))
}
