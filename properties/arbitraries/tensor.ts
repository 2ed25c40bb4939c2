/**
 * Tensors of every kind that a caller can make: shapes, dtypes and views.
 */
import fc, { type Arbitrary } from 'fast-check'
import { rowMajor, type Shape, sizeOf } from '../../src/tensor/shape.js'
import { allocate, type DType, type Storage, type Tensor } from '../../src/tensor/tensor.js'

/** What the generated tensors look like. */
export interface TensorConstraints {
  /** Default: every dtype. */
  readonly dtypes?: readonly DType[]
  /** Elements of float tensors. Default: `ordinary`. Integer tensors hold small integers, and rarely large ones. */
  readonly values?: Arbitrary<number>
  /** May axes be stored in another order, with steps, gaps, backwards or once for all? Default: true. */
  readonly views?: boolean
}

export interface ShapeConstraints {
  readonly minRank?: number
  readonly maxRank?: number
  readonly maxExtent?: number
}

/** Shapes with extents from 0 on; extents 0 and 1 are common. */
export const shapes = ({ minRank = 0, maxRank = 4, maxExtent = 5 }: ShapeConstraints = {}): Arbitrary<Shape> =>
  fc.array(extents({ min: 0, max: maxExtent }), { minLength: minRank, maxLength: maxRank })

/** One extent, rarely less than 2. */
export const extents = ({
  min = 0,
  max = 5,
}: {
  readonly min?: number
  readonly max?: number
} = {}): Arbitrary<number> =>
  fc.oneof(
    { withCrossShrink: true, weight: 1, arbitrary: fc.integer({ min, max: Math.max(min, Math.min(1, max)) }) },
    { weight: 4, arbitrary: fc.integer({ min: Math.min(max, Math.max(min, 2)), max }) },
  )

/** Numbers far from overflow and underflow, in float32 too, even when four are multiplied. */
export const ordinary: Arbitrary<number> = fc.oneof(
  fc.integer({ min: -4, max: 4 }),
  fc.double({ min: -8, max: 8, noNaN: true }).map((x) => (Math.abs(x) < 1e-4 ? 0 : x)),
  fc.double({ min: 1e-4, max: 1e4, noNaN: true }),
)

/** Small multiples of 2⁻⁴: sums and products of a few of them are exact in float32. */
export const dyadic: Arbitrary<number> = fc.integer({ min: -64, max: 64 }).map((x) => x / 16)

/** Mostly ordinary, with NaN, infinities and −0 among them. */
export const special: Arbitrary<number> = fc.oneof(
  { weight: 6, arbitrary: ordinary },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0) },
)

const integers = (dtype: DType): Arbitrary<number> => {
  const [min, max] = dtype === 'uint8' ? [0, 255] : dtype === 'uint32' ? [0, 2 ** 27] : [-(2 ** 27), 2 ** 27]
  return fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: Math.max(min as number, -9), max: 9 }) },
    { weight: 1, arbitrary: fc.integer({ min: min as number, max: max as number }) },
  )
}

const everyDtype: readonly DType[] = ['float32', 'float64', 'int32', 'uint32', 'uint8']

/** How one axis lies in storage: every |step|-th place, backwards when negative; `once` stores it with stride 0. */
interface AxisLayout {
  readonly step: number
  readonly once: boolean
}

/** Where the elements of a tensor lie in its storage. */
interface Layout {
  readonly axes: readonly AxisLayout[]
  /** Sorting keys: the axis with the least key lies outermost. */
  readonly order: readonly number[]
  readonly before: number
  readonly after: number
}

const plain = (rank: number): Layout => ({
  axes: Array.from({ length: rank }, () => ({ step: 1, once: false })),
  order: Array.from({ length: rank }, (_, axis) => axis),
  before: 0,
  after: 0,
})

const layouts = (rank: number): Arbitrary<Layout> => {
  const axis = fc.record({
    step: fc.constantFrom(1, 1, 1, 2, 3, -1, -2),
    once: fc.nat(9).map((draw) => draw === 9),
  })
  return fc.oneof(
    { withCrossShrink: true, weight: 2, arbitrary: fc.constant(plain(rank)) },
    {
      weight: 5,
      arbitrary: fc.record({
        axes: fc.array(axis, { minLength: rank, maxLength: rank }),
        order: fc.array(fc.nat(2 * rank), { minLength: rank, maxLength: rank }),
        before: fc.nat(5),
        after: fc.nat(3),
      }),
    },
  )
}

/** What lies between the elements of a view: nothing that an operation reads may look like this. */
const gap = (storage: Storage): number =>
  storage instanceof Float32Array || storage instanceof Float64Array ? NaN : 251

/** A tensor of the given shape that holds `value(i)` at the i-th place of its layout. Frozen, as far as that goes. */
const laidOut = (dtype: DType, shape: Shape, layout: Layout, value: (i: number) => number): Tensor => {
  const stored = shape.map((extent, axis) => ((layout.axes[axis] as AxisLayout).once ? Math.min(extent, 1) : extent))
  const order = shape.map((_, axis) => axis).sort((a, b) => (layout.order[a] as number) - (layout.order[b] as number))
  const room = order.map((axis) => (stored[axis] as number) * Math.abs((layout.axes[axis] as AxisLayout).step))
  const outer = rowMajor(room)
  const unit = shape.map((_, axis) => outer[order.indexOf(axis)] as number)
  const stride = shape.map((_, axis) => {
    const { step, once } = layout.axes[axis] as AxisLayout
    return once ? 0 : (unit[axis] as number) * step
  })
  const offset = stride.reduce(
    (start, step, axis) => start - Math.min(0, step) * Math.max(0, (stored[axis] as number) - 1),
    layout.before,
  )
  const data = allocate(dtype, layout.before + sizeOf(room) + layout.after)
  data.fill(gap(data))
  let i = 0
  const walk = (axis: number, at: number): void => {
    if (axis === shape.length) data[at] = value(i++)
    else for (let k = 0; k < (stored[axis] as number); k++) walk(axis + 1, at + k * (stride[axis] as number))
  }
  walk(0, offset)
  return Object.freeze({
    _tag: 'Tensor',
    data,
    shape: Object.freeze([...shape]),
    stride: Object.freeze(stride),
    offset,
    dtype,
  })
}

/** Tensors of one shape. */
export const tensorsOf = (
  shape: Shape,
  { dtypes = everyDtype, values = ordinary, views = true }: TensorConstraints = {},
): Arbitrary<Tensor> =>
  fc
    .tuple(fc.constantFrom(...dtypes), views ? layouts(shape.length) : fc.constant(plain(shape.length)))
    .chain(([dtype, layout]) =>
      fc
        .array(dtype === 'float32' || dtype === 'float64' ? values : integers(dtype), {
          minLength: sizeOf(shape),
          maxLength: sizeOf(shape),
        })
        .map((numbers) => laidOut(dtype, shape, layout, (i) => numbers[i] as number)),
    )

/** Tensors of any shape. */
export const tensors = (constraints: TensorConstraints = {}): Arbitrary<Tensor> =>
  shapes().chain((shape) => tensorsOf(shape, constraints))

/** A large tensor without structure, the same for the same seed: values in [−1, 1), for fixed cases. */
export const noise = (
  shape: Shape,
  { seed = 1, dtype = 'float32' }: { readonly seed?: number; readonly dtype?: DType } = {},
): Tensor =>
  laidOut(dtype, shape, plain(shape.length), (i) => {
    const mixed = Math.imul(i + 1, 0x9e3779b1) ^ Math.imul(seed, 0x85ebca6b)
    const hashed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d)
    return (hashed ^ (hashed >>> 13)) / 2 ** 31
  })
