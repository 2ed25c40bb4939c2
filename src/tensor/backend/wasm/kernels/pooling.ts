/**
 * Pooling, plane by plane. Arguments 8 to 23 are the geometry (`window.ts`); 27 planes; 28 planes of a chunk.
 */
import { address, argument } from './arguments'
import { dilationH, dilationW, h, kh, kw, oh, ow, padH, padW, strideH, strideW, w } from './window'

/** The first tap of a window, begun at `start`, that is not before the edge. */
// @inline
function firstTap(start: i32, dilation: i32): i32 {
  return start >= 0 ? 0 : (dilation - 1 - start) / dilation
}

/** One past the last tap of a window, begun at `start`, that is before the end. */
// @inline
function endTap(start: i32, dilation: i32, taps: i32, extent: i32): i32 {
  return start >= extent ? 0 : min(taps, (extent - 1 - start) / dilation + 1)
}

/** Output columns whose windows lie within the row: from here … */
// @inline
function insideFrom(): i32 {
  return min(ow(), (padW() + strideW() - 1) / strideW())
}

/** … to here. */
// @inline
function insideTo(): i32 {
  const room = w() + padW() - (kw() - 1) * dilationW() - 1
  return room < 0 ? 0 : min(ow(), room / strideW() + 1)
}

/** Four numbers `step` apart. May read, but not use, 4 bytes past the last one. */
// @inline
function load4(at: usize, step: i32): v128 {
  if (step === 1) return v128.load(at)
  if (step === 2) return v128.shuffle<f32>(v128.load(at), v128.load(at, 16), 0, 2, 4, 6)
  const bytes = (<usize>step) << 2
  let v = v128.load32_zero(at)
  v = v128.load32_lane(at + bytes, v, 1)
  v = v128.load32_lane(at + 2 * bytes, v, 2)
  return v128.load32_lane(at + 3 * bytes, v, 3)
}

/**
 * `count` windows of 2 × 2, at least four, that lie within the rows `upper` and `lower`, of which `place` is the first place. False where
 * there may be a NaN.
 */
// @inline
function maxOfSquares(
  upper: usize,
  lower: usize,
  place: i32,
  columns: i32,
  step: i32,
  count: i32,
  y: usize,
  places: usize,
): bool {
  const iota = i32x4.mul(i32x4(0, 1, 2, 3), i32x4.splat(step))
  let poison = f32x4.splat(0)
  for (let i = 0; i < count; i += 4) {
    // The last vector may overlap the one before it.
    if (i > count - 4) i = count - 4
    const at = (<usize>(i * step)) << 2
    let a0 = v128.load(upper + at)
    let b0 = v128.load(lower + at)
    const next: usize = step === 1 ? 4 : 16
    let a1 = v128.load(upper + at + next)
    let b1 = v128.load(lower + at + next)
    if (step === 2) {
      const evenA = v128.shuffle<f32>(a0, a1, 0, 2, 4, 6)
      const evenB = v128.shuffle<f32>(b0, b1, 0, 2, 4, 6)
      a1 = v128.shuffle<f32>(a0, a1, 1, 3, 5, 7)
      b1 = v128.shuffle<f32>(b0, b1, 1, 3, 5, 7)
      a0 = evenA
      b0 = evenB
    }
    // A mask is −1 where it is set.
    const here = i32x4.add(i32x4.splat(place + i * step), iota)
    const ofUpper = i32x4.sub(here, f32x4.gt(a1, a0))
    const ofLower = i32x4.sub(i32x4.add(here, i32x4.splat(columns)), f32x4.gt(b1, b0))
    const a = f32x4.pmax(a0, a1)
    const b = f32x4.pmax(b0, b1)
    const at4 = (<usize>i) << 2
    v128.store(y + at4, f32x4.pmax(a, b))
    v128.store(places + at4, v128.bitselect(ofLower, ofUpper, f32x4.gt(b, a)))
    // Of two infinities it is a NaN too; then the row is looked at again for nothing.
    const sum = f32x4.add(f32x4.add(a0, a1), f32x4.add(b0, b1))
    poison = v128.or(poison, f32x4.ne(sum, sum))
  }
  return !v128.any_true(poison)
}

/** Arguments: 0 x · 1 y · 2 argmax. */
export function maxPoolChunk(chunk: i32): void {
  const columns = w()
  const step = strideW()
  const taps = kw()
  const across = dilationW()
  const down = dilationH() * columns
  const iota = i32x4.mul(i32x4(0, 1, 2, 3), i32x4.splat(step))
  const from = insideFrom()
  const to = insideTo()
  const vectors = to - from >= 4
  const squares = vectors && taps === 2 && kh() === 2 && across === 1 && dilationH() === 1 && step <= 2
  const end = min(argument(27), (chunk + 1) * argument(28))
  for (let plane = chunk * argument(28); plane < end; plane++) {
    const x = address(0) + ((<usize>plane * <usize>h() * <usize>columns) << 2)
    for (let oy = 0; oy < oh(); oy++) {
      const top = oy * strideH() - padH()
      const firstRow = firstTap(top, dilationH())
      const endRow = endTap(top, dilationH(), kh(), h())
      const out = (<usize>((plane * oh() + oy) * ow())) << 2
      const y = address(1) + out
      const places = address(2) + out
      const origin = (top + firstRow * dilationH()) * columns - padW()
      let ox = 0
      for (; ox < from; ox++) maxPoolOne(x, top, firstRow, endRow, ox, out)
      if (squares && endRow - firstRow === 2) {
        const place = origin + from * step
        const upper = x + ((<usize>place) << 2)
        const lower = upper + ((<usize>columns) << 2)
        const begin = (<usize>from) << 2
        const isDone =
          step === 1
            ? maxOfSquares(upper, lower, place, columns, 1, to - from, y + begin, places + begin)
            : maxOfSquares(upper, lower, place, columns, 2, to - from, y + begin, places + begin)
        if (isDone) ox = to
      }
      while (vectors && ox < to) {
        // The last vector may overlap the one before it.
        ox = min(ox, to - 4)
        let place = i32x4.add(i32x4.splat(origin + ox * step), iota)
        let row = x + ((<usize>(origin + ox * step)) << 2)
        let best = load4(row, step)
        let argmax = place
        let poison = f32x4.ne(best, best)
        for (let ky = firstRow; ky < endRow; ky++) {
          let at = row
          let here = place
          for (let kx = 0; kx < taps; kx++) {
            const value = load4(at, step)
            argmax = v128.bitselect(here, argmax, f32x4.gt(value, best))
            best = f32x4.pmax(best, value)
            poison = v128.or(poison, f32x4.ne(value, value))
            at += (<usize>across) << 2
            here = i32x4.add(here, i32x4.splat(across))
          }
          row += (<usize>down) << 2
          place = i32x4.add(place, i32x4.splat(down))
        }
        v128.store(y + ((<usize>ox) << 2), best)
        v128.store(places + ((<usize>ox) << 2), argmax)
        // A NaN is rare, and is found again one by one.
        if (v128.any_true(poison)) for (let i = 0; i < 4; i++) maxPoolOne(x, top, firstRow, endRow, ox + i, out)
        ox += 4
      }
      for (; ox < ow(); ox++) maxPoolOne(x, top, firstRow, endRow, ox, out)
    }
  }
}

// @inline
function isNan(value: f32): bool {
  return (reinterpret<u32>(value) & 0x7fffffff) > 0x7f800000
}

/** The first of the largest of at least four numbers; −1 where one of them is no number. */
function largest(x: usize, count: i32): i32 {
  const last = x + ((<usize>(count - 4)) << 2)
  let best = v128.load(last)
  let poison = f32x4.ne(best, best)
  for (let at = x; at < last; at += 16) {
    const value = v128.load(at)
    best = f32x4.pmax(best, value)
    poison = v128.or(poison, f32x4.ne(value, value))
  }
  if (v128.any_true(poison)) return -1
  best = f32x4.pmax(best, v128.shuffle<f32>(best, best, 2, 3, 0, 1))
  best = f32x4.pmax(best, v128.shuffle<f32>(best, best, 1, 0, 3, 2))
  let at = x
  let found = i32x4.bitmask(f32x4.eq(v128.load(at), best))
  while (found === 0) {
    at = min(at + 16, last)
    found = i32x4.bitmask(f32x4.eq(v128.load(at), best))
  }
  return <i32>((at - x) >> 2) + ctz(found)
}

function maxPoolOne(x: usize, top: i32, firstRow: i32, endRow: i32, ox: i32, out: usize): void {
  const left = ox * strideW() - padW()
  const first = firstTap(left, dilationW())
  const end = endTap(left, dilationW(), kw(), w())
  let argmax = -1
  let best: f32 = 0
  // A row that is looked at as a whole, as softmax does.
  if (endRow - firstRow === 1 && dilationW() === 1 && end - first >= 8) {
    const place = (top + firstRow * dilationH()) * w() + left + first
    const found = largest(x + ((<usize>place) << 2), end - first)
    if (found >= 0) {
      const at = out + ((<usize>ox) << 2)
      store<f32>(address(1) + at, load<f32>(x + ((<usize>(place + found)) << 2)))
      store<i32>(address(2) + at, place + found)
      return
    }
  }
  for (let ky = firstRow; ky < endRow; ky++)
    for (let kx = first; kx < end; kx++) {
      const place = (top + ky * dilationH()) * w() + left + kx * dilationW()
      const value = load<f32>(x + ((<usize>place) << 2))
      if (argmax < 0 || value > best || (isNan(value) && !isNan(best))) {
        best = value
        argmax = place
      }
    }
  const at = out + ((<usize>ox) << 2)
  store<f32>(address(1) + at, best)
  store<i32>(address(2) + at, argmax)
}

/** Arguments: 0 gy · 1 argmax · 2 gx. A place outside of the plane is skipped. */
export function maxPoolGradChunk(chunk: i32): void {
  const size = <u32>(h() * w())
  const positions = oh() * ow()
  const end = min(argument(27), (chunk + 1) * argument(28))
  for (let plane = chunk * argument(28); plane < end; plane++) {
    const gx = address(2) + ((<usize>plane * <usize>size) << 2)
    memory.fill(gx, 0, (<usize>size) << 2)
    let gy = address(0) + ((<usize>plane * <usize>positions) << 2)
    let argmax = address(1) + ((<usize>plane * <usize>positions) << 2)
    for (let i = 0; i < positions; i++, gy += 4, argmax += 4) {
      const place = load<u32>(argmax)
      if (place >= size) continue
      const at = gx + ((<usize>place) << 2)
      store<f32>(at, load<f32>(at) + load<f32>(gy))
    }
  }
}

/** Arguments: 0 x · 1 y. */
export function averagePoolChunk(chunk: i32): void {
  const step = strideW()
  const area = <f32>(kh() * kw())
  const from = insideFrom()
  const to = insideTo()
  const vectors = to - from >= 4
  const end = min(argument(27), (chunk + 1) * argument(28))
  for (let plane = chunk * argument(28); plane < end; plane++) {
    const x = address(0) + ((<usize>plane * <usize>h() * <usize>w()) << 2)
    for (let oy = 0; oy < oh(); oy++) {
      const top = oy * strideH() - padH()
      const firstRow = firstTap(top, dilationH())
      const endRow = endTap(top, dilationH(), kh(), h())
      const out = address(1) + ((<usize>((plane * oh() + oy) * ow())) << 2)
      for (let ox = 0; ox < ow(); ) {
        const inside = vectors && ox >= from && ox < to
        if (inside) ox = min(ox, to - 4)
        const left = ox * step - padW()
        if (inside) {
          let sum = f32x4.splat(0)
          for (let ky = firstRow; ky < endRow; ky++) {
            let at = x + ((<usize>((top + ky * dilationH()) * w() + left)) << 2)
            for (let kx = 0; kx < kw(); kx++, at += (<usize>dilationW()) << 2) sum = f32x4.add(sum, load4(at, step))
          }
          v128.store(out + ((<usize>ox) << 2), f32x4.div(sum, f32x4.splat(area)))
          ox += 4
          continue
        }
        let sum: f32 = 0
        const last = endTap(left, dilationW(), kw(), w())
        for (let ky = firstRow; ky < endRow; ky++)
          for (let kx = firstTap(left, dilationW()); kx < last; kx++)
            sum += load<f32>(x + ((<usize>((top + ky * dilationH()) * w() + left + kx * dilationW())) << 2))
        store<f32>(out + ((<usize>ox) << 2), sum / area)
        ox++
      }
    }
  }
}

/** Arguments: 0 gy · 1 gx. */
export function averagePoolGradChunk(chunk: i32): void {
  const area = <f32>(kh() * kw())
  const end = min(argument(27), (chunk + 1) * argument(28))
  for (let plane = chunk * argument(28); plane < end; plane++) {
    const gx = address(1) + ((<usize>plane * <usize>h() * <usize>w()) << 2)
    memory.fill(gx, 0, (<usize>h() * <usize>w()) << 2)
    let gy = address(0) + ((<usize>plane * <usize>oh() * <usize>ow()) << 2)
    for (let oy = 0; oy < oh(); oy++) {
      const top = oy * strideH() - padH()
      const firstRow = firstTap(top, dilationH())
      const endRow = endTap(top, dilationH(), kh(), h())
      for (let ox = 0; ox < ow(); ox++, gy += 4) {
        const value = load<f32>(gy) / area
        const left = ox * strideW() - padW()
        const first = firstTap(left, dilationW())
        const last = endTap(left, dilationW(), kw(), w())
        for (let ky = firstRow; ky < endRow; ky++) {
          let at = gx + ((<usize>((top + ky * dilationH()) * w() + left + first * dilationW())) << 2)
          for (let kx = first; kx < last; kx++, at += (<usize>dilationW()) << 2) store<f32>(at, load<f32>(at) + value)
        }
      }
    }
  }
}
