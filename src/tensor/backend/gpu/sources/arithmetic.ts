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

/** tanh by its series near 0, where the quotient of exponentials cancels, and without overflow far from it. */
const hyperbolicTangent = float(
  ['x'],
  `function hyperbolicTangent(x) {
    const t = Math.abs(x);
    const s = x * x;
    let y = x * (1 + s * (-0.3333333333 + s * (0.1333333333 + s * (-0.0539682540 + s * 0.0218694885))));
    if (t > 0.25) {
      y = 1 - 2 / (Math.exp(2 * t) + 1);
      if (t > 20) { y = 1; }
      if (x < 0) { y = -y; }
    }
    return y;
  }`,
)

/** Φ(x): e^(−x²/2) times half the scaled complementary error function, t·P(t) with t = 1 / (1 + |x|/4), below 0. */
const normalProbability = float(
  ['x'],
  `function normalProbability(x) {
    const a = Math.min(Math.abs(x), 40);
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
    const tail = p * t * Math.exp(-0.5 * a * a);
    let y = tail;
    if (x >= 0) { y = 1 - tail; }
    return y;
  }`,
)

/** All of them; a kernel is compiled with those that it calls. */
export const deviceFunctions: readonly DeviceFunction[] = [real, quotient, hyperbolicTangent, normalProbability]
