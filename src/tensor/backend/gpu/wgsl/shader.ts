/**
 * The text of a kernel in WGSL: what it reads, the whole numbers it is given, and its body.
 *
 * Whole numbers are of 32 bits with a sign, since strides may be negative; a float comes as its bits.
 */

/** A compute shader before it is compiled. */
export interface Shader {
  /** One text for one name. */
  readonly name: string
  /** The names under which it reads its operands, in their order. */
  readonly inputs: readonly string[]
  readonly body: () => string
}

/** Whole numbers that a launch may be given, in 256 bytes: as far apart as every device takes them. */
export const WORDS = 64

/** The cells of the result. */
export const LENGTH = 63
/** Always 0, which no compiler knows. */
export const ZERO = 62

/** Parameter i, as text. */
export const p = (i: number): string => `P[${i >> 2}].${'xyzw'.charAt(i & 3)}`

/** Parameter i as a float. */
export const real = (i: number): string => `bitcast<f32>(${p(i)})`

const word = new Float32Array(1)
const bitsOfWord = new Int32Array(word.buffer)

/** The bits of a float. */
export const bitsOf = (x: number): number => {
  word[0] = x
  return bitsOfWord[0] as number
}

/** Groups along x; more go along y. */
export const GROUPS = 32768

/** Operands that a shader may read: all devices bind so many buffers, and one to write to. */
export const OPERANDS = 7

/** Threads of a group, where each makes one cell. */
export const THREADS = 256

/** A kernel of which every thread makes the cell `index`: statements, then the value. */
export const cells = (value: string, statements = '', functions = '', place = 'index'): string => `${functions}
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id : vec3<u32>) {
  let index = i32(id.x + id.y * ${GROUPS * THREADS}u);
  if (index >= ${p(LENGTH)}) { return; }
  ${statements}
  out[${place}] = ${value};
}`

/** The place of a group among all. */
export const groupIndex: string = `i32(group.x + group.y * ${GROUPS}u)`

/** What every shader begins with. */
export const textOf = ({ inputs, body }: Shader): string => `
@group(0) @binding(0) var<uniform> P : array<vec4<i32>, ${WORDS / 4}>;
${inputs.map((name, i) => `@group(0) @binding(${i + 1}) var<storage, read> ${name} : array<f32>;`).join('\n')}
@group(0) @binding(${inputs.length + 1}) var<storage, read_write> out : array<f32>;
fn word(i : i32) -> i32 { return P[i / 4][i % 4]; }
// Of whole numbers from 0 on.
fn quotient(a : i32, b : i32) -> i32 { return i32(u32(a) / u32(b)); }
${body()}`
