/**
 * Normal variates from pairs of words, two at a time: `sampling/normal.ts` operation for operation, so that every bit agrees.
 */

/**
 * Coefficients in memory: V8 makes a constant vector anew, in four instructions, wherever one stands; to load one is a single
 * instruction, and makes variates a quarter faster. Polynomials from their highest power down, and the variable's offset first.
 */
const CENTRAL_NUMERATOR: usize = memory.data<f64>(
  [
    2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946, 1971.5909503065513,
    133.14166789178438, 3.3871328727963665,
  ],
  16,
)
const CENTRAL_DENOMINATOR: usize = memory.data<f64>(
  [
    5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751, 687.1870074920579,
    42.31333070160091, 1,
  ],
  16,
)
const NEAR_NUMERATOR: usize = memory.data<f64>(
  [
    0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
    5.769497221460691, 4.630337846156546, 1.4234371107496835,
  ],
  16,
)
const NEAR_DENOMINATOR: usize = memory.data<f64>(
  [
    1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
    1.6763848301838038, 2.053191626637759, 1,
  ],
  16,
)
const FAR_NUMERATOR: usize = memory.data<f64>(
  [
    2.0103343992922881e-7, 2.7115555687434876e-5, 0.0012426609473880784, 0.026532189526576124, 0.29656057182850487,
    1.7848265399172913, 5.463784911164114, 6.657904643501103,
  ],
  16,
)
const FAR_DENOMINATOR: usize = memory.data<f64>(
  [
    2.0442631033899397e-15, 1.421511758316446e-7, 1.8463183175100548e-5, 0.0007868691311456133, 0.014875361290850615,
    0.1369298809227358, 0.599832206555888, 1,
  ],
  16,
)
/** Of ln (1 + f) in s²: even powers and odd ones; then ln 2 in two parts. */
const LOG_EVEN: usize = memory.data<f64>([0.15313837699209373, 0.22222198432149784, 0.3999999999940942], 16)
const LOG_ODD: usize = memory.data<f64>(
  [0.14798198605116586, 0.1818357216161805, 0.2857142874366239, 0.6666666666666735],
  16,
)
/** Other constants, by name. */
const CONSTANTS: usize = memory.data<f64>(
  [0.180625, 0.5, 1.6, 5, 1, 2, 0.6931471803691238, 1.9082149292705877e-10, 4294967296, 5.421010862427522e-20, 0.075],
  16,
)
const CENTRE: i32 = 0
const HALF: i32 = 1
const NEAR: i32 = 2
const FAR: i32 = 3
const ONE: i32 = 4
const TWO: i32 = 5
const LN2_HIGH: i32 = 6
const LN2_LOW: i32 = 7
const WORD: i32 = 8
const UNIT: i32 = 9
const TAIL: i32 = 10

// @inline
function coefficient(table: usize, place: i32): v128 {
  return v128.load64_splat(table + ((<usize>place) << 3))
}

// @inline
function constant(name: i32): v128 {
  return coefficient(CONSTANTS, name)
}

// @inline
function step(p: v128, r: v128, table: usize, place: i32): v128 {
  return f64x2.add(f64x2.mul(p, r), coefficient(table, place))
}

/** A polynomial of degree 7. */
// @inline
function polynomial(r: v128, table: usize): v128 {
  let p = step(coefficient(table, 0), r, table, 1)
  p = step(p, r, table, 2)
  p = step(p, r, table, 3)
  p = step(p, r, table, 4)
  p = step(p, r, table, 5)
  p = step(p, r, table, 6)
  return step(p, r, table, 7)
}

/** Φ⁻¹(½ + d) for |d| ≤ 0.425. */
// @inline
function central(d: v128): v128 {
  const r = f64x2.sub(constant(CENTRE), f64x2.mul(d, d))
  return f64x2.div(f64x2.mul(d, polynomial(r, CENTRAL_NUMERATOR)), polynomial(r, CENTRAL_DENOMINATOR))
}

// @inline
function int(value: i64): v128 {
  return i64x2.splat(value)
}

/** ln x of normal numbers below ½, as `tensor/natural-log.ts` has it. */
// @inline
function naturalLog(x: v128): v128 {
  const high = i64x2.shr_u(x, 32)
  const fraction = v128.and(high, int(0xfffff))
  const halved = v128.and(i64x2.add(fraction, int(0x95f64)), int(0x100000))
  const exponent = i64x2.add(i64x2.sub(i64x2.shr_u(high, 20), int(1023)), i64x2.shr_u(halved, 20))
  const k = f64x2.convert_low_i32x4_s(v128.shuffle<i32>(exponent, exponent, 0, 2, 0, 2))
  const m = v128.or(i64x2.shl(v128.or(fraction, v128.xor(halved, int(0x3ff00000))), 32), v128.and(x, int(0xffffffff)))
  const f = f64x2.sub(m, constant(ONE))
  const t = f64x2.div(f, f64x2.add(constant(TWO), f))
  const z = f64x2.mul(t, t)
  const w = f64x2.mul(z, z)
  const even = step(step(coefficient(LOG_EVEN, 0), w, LOG_EVEN, 1), w, LOG_EVEN, 2)
  const odd = step(step(step(coefficient(LOG_ODD, 0), w, LOG_ODD, 1), w, LOG_ODD, 2), w, LOG_ODD, 3)
  const r = f64x2.add(f64x2.mul(z, odd), f64x2.mul(w, even))
  const low = f64x2.mul(k, constant(LN2_LOW))
  const half = f64x2.mul(f64x2.mul(constant(HALF), f), f)
  const middle = f64x2.sub(half, f64x2.add(f64x2.mul(t, f64x2.add(half, r)), low))
  const outer = f64x2.sub(f64x2.mul(t, f64x2.sub(f, r)), low)
  const inMiddle = v128.ge<i64>(v128.or(i64x2.sub(fraction, int(0x6147a)), i64x2.sub(int(0x6b851), fraction)), int(0))
  let rest = v128.bitselect(middle, outer, inMiddle)
  // |f| < 2⁻²⁰: three values of the fraction.
  const small = v128.ge<i64>(int(2), v128.and(i64x2.add(fraction, int(2)), int(0xfffff)))
  if (v128.any_true(small)) {
    const cubic = f64x2.mul(f64x2.mul(f, f), f64x2.sub(constant(HALF), f64x2.mul(f64x2.splat(0.3333333333333333), f)))
    rest = v128.bitselect(f64x2.sub(cubic, low), rest, small)
  }
  return f64x2.sub(f64x2.mul(k, constant(LN2_HIGH)), f64x2.sub(rest, f))
}

/** −Φ⁻¹(q) for 0 < q < 0.075, by s = √(−ln q): near the middle for s ≤ 5, far from it otherwise. */
// @inline
function upper(q: v128): v128 {
  const root = f64x2.sqrt(f64x2.neg(naturalLog(q)))
  const r = f64x2.sub(root, constant(NEAR))
  const near = f64x2.div(polynomial(r, NEAR_NUMERATOR), polynomial(r, NEAR_DENOMINATOR))
  const far = f64x2.gt(root, constant(FAR))
  if (!v128.any_true(far)) return near
  const t = f64x2.sub(root, constant(FAR))
  return v128.bitselect(f64x2.div(polynomial(t, FAR_NUMERATOR), polynomial(t, FAR_DENOMINATOR)), near, far)
}

/** (63 bits + ½) / 2⁶⁴ of two pairs, high₀ low₀ high₁ low₁. */
// @inline
function quantile(words: v128): v128 {
  // Highs in the first two lanes, lows in the last two.
  const apart = v128.shuffle<i32>(words, words, 0, 2, 1, 3)
  const magnitude = v128.and(apart, i32x4(0x7fffffff, 0x7fffffff, -1, -1))
  const high = f64x2.convert_low_i32x4_u(magnitude)
  const low = f64x2.convert_low_i32x4_u(v128.shuffle<i64>(magnitude, magnitude, 1, 0))
  const whole = f64x2.add(f64x2.add(f64x2.mul(high, constant(WORD)), low), constant(HALF))
  return f64x2.mul(whole, constant(UNIT))
}

/** The sign bit of z is the negation of the sign bit of the first word. */
// @inline
function negative(words: v128): v128 {
  return v128.xor(v128.and(i64x2.shl(words, 32), int(i64.MIN_VALUE)), int(i64.MIN_VALUE))
}

/**
 * The variates, float64, of `count` pairs of words, two at a time. `tails` is room for `count` integers and two more: the places
 * of the variates in the outer 15 %, which take a logarithm, and are made together at the end.
 */
export function normals(words: usize, count: i32, variates: usize, tails: usize): void {
  let left = tails
  for (let i = 0; i < count; i += 2) {
    const pair = v128.load(words + ((<usize>i) << 3))
    const q = quantile(pair)
    v128.store(variates + ((<usize>i) << 3), v128.xor(central(f64x2.sub(constant(HALF), q)), negative(pair)))
    // Without a branch, which would be guessed wrongly: a place that is no tail is written over.
    const tail = i64x2.bitmask(f64x2.lt(q, constant(TAIL)))
    store<i32>(left, i)
    left += (<usize>(tail & 1)) << 2
    store<i32>(left, i + 1)
    left += (<usize>(tail & 2)) << 1
  }
  store<i32>(left, load<i32>(left - 4))
  for (let at = tails; at < left; at += 8) {
    const first = (<usize>load<i32>(at)) << 3
    const second = (<usize>load<i32>(at, 4)) << 3
    const pair = v128.load64_lane(words + second, v128.load64_zero(words + first), 1)
    const z = v128.xor(upper(quantile(pair)), negative(pair))
    v128.store64_lane(variates + first, z, 0)
    v128.store64_lane(variates + second, z, 1)
  }
}
