/**
 * Functions that kernels call. WGSL lets a compiler think that there are no NaN and no infinities, and lets its functions err by
 * several units: what is not finite is told by its bits, and exponential and logarithm are reduced here.
 *
 * References  Moshier, Cephes (the logarithm in single precision); Wichura 1988, "Algorithm AS 241", PPND7
 */

/** Bits, NaN, and numbers that no compiler may make up beforehand. */
const bits = `
fn special(bits : u32) -> f32 { return bitcast<f32>(bits); }
fn isNan(x : f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }`

/** eˣ = 2ⁿ e^r with |r| ≤ ½ log 2; the power of two in two factors, as it may leave the range of one. */
export const exponential: string = `
fn exponential(x : f32) -> f32 {
  let t = clamp(x, -104.0, 89.0);
  let n = round(t * 1.44269504);
  let r = fma(n, 2.12194440e-4, fma(n, -0.693359375, t));
  let whole = i32(n);
  let half = whole >> 1u;
  let y = exp(r) * bitcast<f32>((half + 127) << 23u) * bitcast<f32>((whole - half + 127) << 23u);
  return select(y, x, isNan(x));
}`

/** log x = e log 2 + log m with √½ ≤ m < √2; −∞ at 0, and NaN below it and of NaN. */
export const naturalLogarithm: string = `
fn naturalLogarithm(x : f32) -> f32 {
  var own = bitcast<u32>(x);
  if ((own & 0x7fffffffu) == 0u) { return special(0xff800000u); }
  if (own == 0x7f800000u) { return x; }
  if (own > 0x7f800000u) { return special(0x7fc00000u); }
  var e = -126;
  // A number below the normal ones: so many times 2⁻¹⁴⁹.
  if (own < 0x00800000u) { own = bitcast<u32>(f32(own)); e = -275; }
  e += i32(own >> 23u);
  var m = bitcast<f32>((own & 0x007fffffu) | 0x3f000000u);
  if (m < 0.707106781) { m = m + m; e--; }
  let f = m - 1.0;
  let z = f * f;
  var y = fma(7.0376836292e-2, f, -1.1514610310e-1);
  y = fma(y, f, 1.1676998740e-1);
  y = fma(y, f, -1.2420140846e-1);
  y = fma(y, f, 1.4249322787e-1);
  y = fma(y, f, -1.6668057665e-1);
  y = fma(y, f, 2.0000714765e-1);
  y = fma(y, f, -2.4999993993e-1);
  y = fma(y, f, 3.3333331174e-1);
  y = y * f * z;
  let n = f32(e);
  y = fma(n, -2.12194440e-4, y);
  y = fma(-0.5, z, y);
  return fma(n, 0.693359375, f + y);
}`

/** By its series near 0, where the quotient of exponentials cancels, and without overflow far from it. */
const hyperbolicTangent = `
fn hyperbolicTangent(x : f32) -> f32 {
  let t = abs(x);
  let s = x * x;
  if (t <= 0.25) {
    return x * (1.0 + s * (-0.3333333333 + s * (0.1333333333 + s * (-0.0539682540 + s * 0.0218694885))));
  }
  var y = 1.0 - 2.0 / (exponential(min(2.0 * t, 80.0)) + 1.0);
  if (x < 0.0) { y = -y; }
  return select(y, x, isNan(x));
}`

/**
 * s Φ(x): below 0, s times half the scaled complementary error function, t·P(t) with t = 1 / (1 + |x|/4), times e^(−x²/2), in this
 * order: Φ(x) alone may be a number below the normal ones, which a GPU takes for 0, where xΦ(x) is none.
 */
const timesProbability = `
fn timesProbability(s : f32, x : f32) -> f32 {
  let a = min(abs(x), 40.0);
  let t = 1.0 / (1.0 + 0.25 * a);
  var q = 0.0197829064;
  q = q * t - 0.0808809325;
  q = q * t + 0.0956030861;
  q = q * t - 0.0317227915;
  q = q * t + 0.0637017563;
  q = q * t + 0.0589743890;
  q = q * t + 0.0816032290;
  q = q * t + 0.0934663489;
  q = q * t + 0.0997364298;
  q = q * t + 0.0997355655;
  q = q * t;
  let e = exponential(-0.5 * a * a);
  let y = select((s * q) * e, s * (1.0 - q * e), x >= 0.0);
  return select(y, x, isNan(x));
}`

/** Φ⁻¹(½ + d) for |d| ≤ 0.425, and −Φ⁻¹(q) for 0 < q < 0.075. */
export const inverses: string = `
fn inverseCentre(d : f32) -> f32 {
  let r = 0.180625 - d * d;
  return d * (((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179)
    / (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1.0);
}
fn inverseTail(q : f32) -> f32 {
  let s = sqrt(-naturalLogarithm(q));
  if (s > 5.0) {
    let r = s - 5.0;
    return (((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150)
      / ((0.012258202635 * r + 0.24197894225) * r + 1.0);
  }
  let r = s - 1.6;
  return (((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777)
    / ((0.12021132975 * r + 0.73700164250) * r + 1.0);
}`

/** All that elementwise kernels call. */
export const functions: string = [bits, exponential, naturalLogarithm, hyperbolicTangent, timesProbability].join('')

/** What variates are made with. */
export const ofVariates: string = [bits, naturalLogarithm, inverses].join('')

/** NaN and other bits. */
export const ofBits: string = bits
