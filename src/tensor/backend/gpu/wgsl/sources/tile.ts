/**
 * Products by tiles: a group of threads takes a tile of the result, keeps as much of both operands as it needs for some inner
 * indices in its memory, and each thread keeps some cells in registers. What the operands are is told by functions of (row,
 * inner index) and (inner index, column), so that a convolution is a product whose operand is gathered on the way.
 *
 *   out[z, m, n] = Σₖ left(z, m, k) right(z, k, n)
 */
import { GROUPS, groupIndex, LENGTH, p, THREADS } from '../shader.js'

/** Rows and columns of a tile, and of what one thread keeps: multiples of 4, at most 8 for a thread. */
export interface Tile {
  readonly rows: number
  readonly columns: number
  /** Inner indices at a time. */
  readonly inner: number
  readonly ownRows: 4 | 8
  readonly ownColumns: 4 | 8
}

export const nameOf = ({ rows, columns, inner, ownRows, ownColumns }: Tile): string =>
  `${rows}×${columns}×${inner} by ${ownRows}×${ownColumns}`

export interface Factors {
  /** `fn left(z, m, k, end) -> f32` and `fn right(z, k, n, end) -> f32`: 0 outside, and where k ≥ end. */
  readonly functions: string
  /** Along which index neighbouring threads read: the one whose numbers are neighbours. */
  readonly leftAlong: 'k' | 'm'
  readonly rightAlong: 'k' | 'n'
  /** The place of cell (z, m, n), as an expression; what is stored is `value`. */
  readonly place: string
  readonly value?: string
}

/** Parameters of a tiled kernel: extents, then how the inner extent is cut, then tiles. */
export const ROWS = 48
export const COLUMNS = 49
export const INNER = 50
export const BATCHES = 51
export const CUTS = 52
export const CUT = 53
export const TILES_DOWN = 54
export const TILES_ACROSS = 55

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i)

export const tiled = ({ rows, columns, inner, ownRows, ownColumns }: Tile, factors: Factors): string => {
  const [down, across] = [rows / ownRows, columns / ownColumns]
  const threads = down * across
  /** Four neighbours in each fetch, and one place of four left free at the end of a line, so that banks differ. */
  const side = (extent: number, name: 'left' | 'right', along: string) => {
    const line = extent / 4
    const fetches = (inner * line) / threads
    const [quad, k] = along === 'k' ? [`q / ${inner}`, `q % ${inner}`] : [`q % ${line}`, `q / ${line}`]
    return { line, fetches, pitch: line + 1, quad, k, name }
  }
  const left = side(rows, 'left', factors.leftAlong)
  const right = side(columns, 'right', factors.rightAlong)
  const guard = (fetches: number, i: number, text: string): string =>
    Number.isInteger(fetches) ? text : `if (thread + ${i * threads} < ${Math.round(fetches * threads)}) { ${text} }`
  const eachFetch = (of: typeof left, text: (i: number) => string): string =>
    range(Math.ceil(of.fetches))
      .map((i) => guard(of.fetches, i, text(i)))
      .join('\n    ')
  const fetch = (from: string): string => `
    ${eachFetch(
      left,
      (i) => `{ let q = thread + ${i * threads}; let k = ${from} + ${left.k}; let m = top + 4 * (${left.quad});
      l${i} = vec4<f32>(left(z, m, k, end), left(z, m + 1, k, end), left(z, m + 2, k, end), left(z, m + 3, k, end)); }`,
    )}
    ${eachFetch(
      right,
      (i) => `{ let q = thread + ${i * threads}; let k = ${from} + ${right.k}; let n = first + 4 * (${right.quad});
      r${i} = vec4<f32>(right(z, k, n, end), right(z, k, n + 1, end), right(z, k, n + 2, end), right(z, k, n + 3, end)); }`,
    )}`
  const store = (of: typeof left, to: string, value: string): string =>
    eachFetch(
      of,
      (i) => `{ let q = thread + ${i * threads}; ${to}[(${of.k}) * ${of.pitch} + ${of.quad}] = ${value}${i}; }`,
    )
  const quadsOf = (own: number): readonly number[] => range(own / 4)
  const sums = range(ownRows).flatMap((r) => quadsOf(ownColumns).map((c) => `s${r}_${c}`))
  return `${factors.functions}
var<workgroup> ofLeft : array<vec4<f32>, ${inner * left.pitch}>;
var<workgroup> ofRight : array<vec4<f32>, ${inner * right.pitch}>;
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group : vec3<u32>, @builtin(local_invocation_index) own : u32) {
  let index = ${groupIndex};
  let across = ${p(TILES_ACROSS)};
  let down = ${p(TILES_DOWN)};
  if (index >= across * down * ${p(BATCHES)} * ${p(CUTS)}) { return; }
  let thread = i32(own);
  let line = quotient(index, across);
  let first = (index - line * across) * ${columns};
  let layer = quotient(line, down);
  let top = (line - layer * down) * ${rows};
  let cut = quotient(layer, ${p(BATCHES)});
  let z = layer - cut * ${p(BATCHES)};
  let begin = cut * ${p(CUT)};
  let end = min(${p(INNER)}, begin + ${p(CUT)});
  let y = thread / ${across};
  let x = thread % ${across};
  ${range(Math.ceil(left.fetches))
    .map((i) => `var l${i} = vec4<f32>(0.0);`)
    .join(' ')}
  ${range(Math.ceil(right.fetches))
    .map((i) => `var r${i} = vec4<f32>(0.0);`)
    .join(' ')}
  ${sums.map((s) => `var ${s} = vec4<f32>(0.0);`).join('\n  ')}
  // What comes next is on its way while this is multiplied; in the first round there is nothing to multiply yet.
  for (var base = begin - ${inner}; ; base += ${inner}) {
    let next = base + ${inner};
    if (next < end) {${fetch('next')}
    }
    if (base >= begin) {
      for (var k = 0; k < ${inner}; k++) {
        ${quadsOf(ownRows)
          .map((i) => `let a${i} = ofLeft[k * ${left.pitch} + y + ${i * down}];`)
          .join('\n      ')}
        ${quadsOf(ownColumns)
          .map((i) => `let b${i} = ofRight[k * ${right.pitch} + x + ${i * across}];`)
          .join('\n      ')}
        ${range(ownRows)
          .flatMap((r) =>
            quadsOf(ownColumns).map(
              (c) => `s${r}_${c} = fma(vec4<f32>(a${r >> 2}.${'xyzw'.charAt(r & 3)}), b${c}, s${r}_${c});`,
            ),
          )
          .join('\n      ')}
      }
    }
    if (next >= end) { break; }
    workgroupBarrier();
    ${store(left, 'ofLeft', 'l')}
    ${store(right, 'ofRight', 'r')}
    workgroupBarrier();
  }
  let rows = ${p(ROWS)};
  let columns = ${p(COLUMNS)};
  ${range(ownRows)
    .map((r) => {
      const row = `let m = top + 4 * (y + ${(r >> 2) * down}) + ${r & 3};`
      const stores = quadsOf(ownColumns).flatMap((c) =>
        range(4).map(
          (i) =>
            `{ let n = first + 4 * (x + ${c * across}) + ${i}; let sum = s${r}_${c}.${'xyzw'.charAt(i)}; if (n < columns) { out[${factors.place}] = ${factors.value ?? 'sum'}; } }`,
        ),
      )
      return `{ ${row} if (m < rows) {\n    ${stores.join('\n    ')} } }`
    })
    .join('\n  ')}
}`
}

/** The same, one thread a cell: the slow twin, and what is left where a tile would be nearly empty. */
export const untiled = ({ functions, place, value = 'sum' }: Factors): string => `${functions}
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id : vec3<u32>) {
  let index = i32(id.x + id.y * ${GROUPS * THREADS}u);
  if (index >= ${p(LENGTH)}) { return; }
  let rows = ${p(ROWS)};
  let columns = ${p(COLUMNS)};
  let line = quotient(index, columns);
  let n = index - line * columns;
  let layer = quotient(line, rows);
  let m = line - layer * rows;
  let cut = quotient(layer, ${p(BATCHES)});
  let z = layer - cut * ${p(BATCHES)};
  let end = min(${p(INNER)}, (cut + 1) * ${p(CUT)});
  var sum = 0.0;
  for (var k = cut * ${p(CUT)}; k < end; k++) { sum = fma(left(z, m, k, end), right(z, k, n, end), sum); }
  out[${place}] = ${value};
}`

/** The parameters of a tiled product, from ROWS on; into how many parts the inner extent was cut, and groups. */
export const tiling = (
  tile: Pick<Tile, 'rows' | 'columns' | 'inner'>,
  { rows, columns, inner, batches, cuts }: Record<'rows' | 'columns' | 'inner' | 'batches' | 'cuts', number>,
): { readonly words: readonly number[]; readonly groups: number; readonly cuts: number } => {
  const cut = Math.max(1, Math.ceil(inner / cuts / tile.inner)) * tile.inner
  const made = Math.max(1, Math.ceil(inner / cut))
  const down = Math.ceil(rows / tile.rows)
  const across = Math.ceil(columns / tile.columns)
  return {
    words: [rows, columns, inner, batches, made, cut, down, across],
    groups: down * across * batches * made,
    cuts: made,
  }
}
