/**
 * Strokes: smooth curves through a few knots, and what a hand does to them.
 *
 * Everything here is additions, multiplications, divisions and square roots, which every machine rounds alike: a
 * drawing is the same bits everywhere, where sines and exponentials would not be.
 */

/** A point that the pen passes; at a corner it changes direction at once. */
export type Knot = readonly [x: number, y: number, corner?: 'corner']

/** A curve through knots. A closed one returns to its first knot, smoothly. */
export interface Stroke {
  readonly knots: readonly Knot[]
  readonly closed: boolean
}

/** Points of a polyline, x and y by turns: what is drawn. */
export type Polyline = Float64Array

/** An ellipse of eight knots. */
export const circleLike = ({
  center: [x, y],
  radius: [width, height],
}: {
  readonly center: readonly [x: number, y: number]
  readonly radius: readonly [width: number, height: number]
}): Stroke => {
  const [w, h] = [width * Math.SQRT1_2, height * Math.SQRT1_2]
  const knots: readonly Knot[] = [
    [x, y - height],
    [x - w, y - h],
    [x - width, y],
    [x - w, y + h],
    [x, y + height],
    [x + w, y + h],
    [x + width, y],
    [x + w, y - h],
  ]
  return { knots, closed: true }
}

/**
 * Points along the curve: a cubic from knot to knot whose tangent at a smooth knot is half the chord between its
 * neighbours, and at a corner or an end the chord itself.
 *
 *   p(t) = (2t³ − 3t² + 1) a + (t³ − 2t² + t) mₐ + (3t² − 2t³) b + (t³ − t²) m_b
 *
 * References  Catmull & Rom 1974, "A class of local interpolating splines"
 *
 * @param move where knot `index` really lies: a hand never repeats itself
 * @param pieces straight pieces between two knots
 */
export const traceStroke = (
  { knots, closed }: Stroke,
  pieces: number,
  move: (knot: Knot, index: number) => readonly [x: number, y: number],
): Polyline => {
  const count = knots.length
  const moved = knots.map(move)
  const spans = closed ? count : count - 1
  const out = new Float64Array(2 * (spans * pieces + 1))
  const at = (index: number): readonly [number, number] => moved[(index + count) % count] as readonly [number, number]
  const isSmooth = (index: number): boolean =>
    closed || (index > 0 && index < count - 1 && (knots[index] as Knot)[2] === undefined)
  let next = 0
  for (let span = 0; span < spans; span++) {
    const a = at(span)
    const b = at(span + 1)
    const before = isSmooth(span) ? at(span - 1) : a
    const after = isSmooth(span + 1) ? at(span + 2) : b
    const inScale = isSmooth(span) ? 0.5 : 1
    const outScale = isSmooth(span + 1) ? 0.5 : 1
    for (let piece = 0; piece < pieces; piece++) {
      const t = piece / pieces
      const [h0, h1] = [(2 * t - 3) * t * t + 1, ((t - 2) * t + 1) * t]
      const [h2, h3] = [(3 - 2 * t) * t * t, (t - 1) * t * t]
      for (const axis of [0, 1] as const)
        out[next++] =
          h0 * a[axis] +
          h1 * inScale * (b[axis] - before[axis]) +
          h2 * b[axis] +
          h3 * outScale * (after[axis] - a[axis])
    }
  }
  const [x, y] = at(spans)
  out[next] = x
  out[next + 1] = y
  return out
}
