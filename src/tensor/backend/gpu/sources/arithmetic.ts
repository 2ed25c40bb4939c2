/**
 * Functions that kernels call. Kernels are text, which gpu.js translates to GLSL, WGSL, WebAssembly or JavaScript: as
 * functions they would not survive a bundler that renames and rewrites.
 *
 * Whole numbers are floats here, exact up to 2²⁴.
 */

/** A function that kernels call: all of floats. */
export interface DeviceFunction {
  readonly source: string
  readonly settings: { readonly argumentTypes: Readonly<Record<string, 'Float'>>; readonly returnType: 'Float' }
}

const float = (names: readonly string[], source: string): DeviceFunction => ({
  source,
  settings: { argumentTypes: Object.fromEntries(names.map((name) => [name, 'Float'])), returnType: 'Float' },
})

/** A whole number as a float. */
const real = float(['x'], 'function real(x) { return x; }')

/** ⌊a / b⌋ for whole numbers; a division may be rounded to the wrong side of a whole number. */
const quotient = float(
  ['a', 'b'],
  `function quotient(a, b) {
    let q = Math.floor(a / b);
    const r = a - q * b;
    if (r < 0) { q = q - 1; }
    if (r >= b) { q = q + 1; }
    return q;
  }`,
)

/** eˣ, and NaN of NaN, of which the shading languages promise nothing. */
const exponential = float(
  ['x'],
  `function exponential(x) {
    let y = x;
    if (x >= 0 || x < 0) { y = Math.exp(x); }
    return y;
  }`,
)

/** log x, −∞ at 0, and NaN below it and of NaN. */
const naturalLogarithm = float(
  ['x'],
  `function naturalLogarithm(x) {
    let y = Math.sqrt(x);
    if (x > 0) { y = Math.log(x); }
    if (x <= 0 && x >= 0) { y = -1 / Math.abs(x); }
    return y;
  }`,
)

/** tanh by its series near 0, where the quotient of exponentials cancels, and without overflow far from it. */
const hyperbolicTangent = float(
  ['x'],
  `function hyperbolicTangent(x) {
    const t = Math.abs(x);
    const s = x * x;
    let y = x * (1 + s * (-0.3333333333 + s * (0.1333333333 + s * (-0.0539682540 + s * 0.0218694885))));
    if (t > 0.25) {
      y = 1 - 2 / (exponential(2 * t) + 1);
      if (t > 20) { y = 1; }
      if (x < 0) { y = -y; }
    }
    return y;
  }`,
)

/** Φ(−a) e^(a²/2) for a ≥ 0: half the scaled complementary error function, t·P(t) with t = 1 / (1 + a/4). */
const scaledTail = float(
  ['a'],
  `function scaledTail(a) {
    const t = 1 / (1 + 0.25 * a);
    let p = 0.0197829064;
    p = p * t - 0.0808809325;
    p = p * t + 0.0956030861;
    p = p * t - 0.0317227915;
    p = p * t + 0.0637017563;
    p = p * t + 0.0589743890;
    p = p * t + 0.0816032290;
    p = p * t + 0.0934663489;
    p = p * t + 0.0997364298;
    p = p * t + 0.0997355655;
    return p * t;
  }`,
)

/** s Φ(x). The factor comes before e^(−x²/2): Φ(x) alone may be a number below the normal ones, which a GPU takes for 0, where xΦ(x) is none. */
const timesProbability = float(
  ['s', 'x'],
  `function timesProbability(s, x) {
    const a = Math.min(Math.abs(x), 40);
    let y = (s * scaledTail(a)) * Math.exp(-0.5 * a * a);
    if (x >= 0) { y = s * (1 - scaledTail(a) * Math.exp(-0.5 * a * a)); }
    return y;
  }`,
)

/** 16 bits of a number of 32, rotated to the left by less than 16: its own, and those that come from the other half. */
const rotated = float(
  ['own', 'other', 'factor'],
  `function rotated(own, other, factor) {
    const shifted = own * factor;
    return shifted - Math.floor(shifted * 0.0000152587890625) * 65536 + Math.floor(other * factor * 0.0000152587890625);
  }`,
)

/** Of two numbers of 16 bits. */
const exclusiveOr = float(['a', 'b'], 'function exclusiveOr(a, b) { return a ^ b; }')

/** Φ⁻¹(½ + d) for |d| ≤ 0.425. */
const inverseCentre = float(
  ['d'],
  `function inverseCentre(d) {
    const r = 0.180625 - d * d;
    return d * (((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179)
      / (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1);
  }`,
)

/** −Φ⁻¹(q) for 0 < q < 0.075. */
const inverseTail = float(
  ['q'],
  `function inverseTail(q) {
    const s = Math.sqrt(-Math.log(q));
    let r = s - 1.6;
    let z = (((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777)
      / ((0.12021132975 * r + 0.73700164250) * r + 1);
    if (s > 5) {
      r = s - 5;
      z = (((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150)
        / ((0.012258202635 * r + 0.24197894225) * r + 1);
    }
    return z;
  }`,
)

/** All of them; a kernel is compiled with those that it calls. */
export const deviceFunctions: readonly DeviceFunction[] = [
  real,
  quotient,
  exponential,
  naturalLogarithm,
  hyperbolicTangent,
  scaledTail,
  timesProbability,
  rotated,
  exclusiveOr,
  inverseCentre,
  inverseTail,
]
