/**
 * Distortions of the plane: an affine map, then a smooth random displacement.
 */

import type { Key } from '../sampling/key.js'
import { randomBits } from '../sampling/key.js'
import type { Polyline } from './strokes.js'

/** x ↦ a·x + b·y + c, y ↦ d·x + e·y + f. */
export interface Affine {
  readonly x: readonly [a: number, b: number, c: number]
  readonly y: readonly [d: number, e: number, f: number]
}

/** How a shape is placed on a page. */
export interface Pose {
  /** Where (0.5, 0.5) goes, in pixels. */
  readonly center: readonly [x: number, y: number]
  /** Pixels per unit. */
  readonly scale: readonly [x: number, y: number]
  /** x ↦ x − slant·y: an upright hand has 0, a forward one more. */
  readonly slant: number
  /** tan(θ/2) of the clockwise angle θ, which gives sine and cosine without either. */
  readonly halfTurn: number
}

/** The map of a pose: slant and scale, then rotation, then translation. */
export const affineOf = ({ center, scale, slant, halfTurn }: Pose): Affine => {
  const cosine = (1 - halfTurn * halfTurn) / (1 + halfTurn * halfTurn)
  const sine = (2 * halfTurn) / (1 + halfTurn * halfTurn)
  const [a, b, e] = [scale[0], -slant * scale[1], scale[1]]
  const rows = [
    [cosine * a, cosine * b - sine * e],
    [sine * a, sine * b + cosine * e],
  ] as const
  const place = ([p, q]: readonly [number, number], origin: number): readonly [number, number, number] => [
    p,
    q,
    origin - (p + q) / 2,
  ]
  return { x: place(rows[0], center[0]), y: place(rows[1], center[1]) }
}

/** Control points per axis: a cubic patch over the page needs 3 more than it has cells. */
const CELLS = 3
const LATTICE = CELLS + 3

/** A displacement that varies smoothly over a page of `extent` pixels. */
export interface ElasticField {
  readonly extent: number
  /** Pixels, x and y by turns, row by row. */
  readonly control: Float64Array
}

/**
 * A random field: independent displacements, uniform on [−strength, strength] pixels, on a lattice, and the cubic
 * B-spline through them.
 *
 * References  Simard, Steinkraus & Platt 2003, "Best practices for convolutional neural networks" (the idea; they smooth
 *             white noise with a Gaussian instead)
 */
export const elasticField =
  ({ extent, strength }: { readonly extent: number; readonly strength: number }) =>
  (key: Key): ElasticField => {
    const words = randomBits(2 * LATTICE * LATTICE)(key)
    const control = new Float64Array(words.length)
    for (let i = 0; i < words.length; i++) control[i] = strength * ((words[i] as number) * 2 ** -31 - 1)
    return { extent, control }
  }

/** Weights of the four control points around a place within a cell. */
const spline = (t: number, weights: Float64Array): void => {
  const s = 1 - t
  weights[0] = (s * s * s) / 6
  weights[1] = ((3 * t - 6) * t * t + 4) / 6
  weights[2] = ((3 * s - 6) * s * s + 4) / 6
  weights[3] = (t * t * t) / 6
}

/** The points after both maps, in pixels. */
export const distort = (affine: Affine, { extent, control }: ElasticField, points: Polyline): Polyline => {
  const out = new Float64Array(points.length)
  const [across, down] = [new Float64Array(4), new Float64Array(4)]
  for (let i = 0; i < points.length; i += 2) {
    const [u, v] = [points[i] as number, points[i + 1] as number]
    const x = affine.x[0] * u + affine.x[1] * v + affine.x[2]
    const y = affine.y[0] * u + affine.y[1] * v + affine.y[2]
    const cellX = Math.min(Math.max((x / extent) * CELLS, 0), CELLS)
    const cellY = Math.min(Math.max((y / extent) * CELLS, 0), CELLS)
    const column = Math.min(Math.floor(cellX), CELLS - 1)
    const row = Math.min(Math.floor(cellY), CELLS - 1)
    spline(cellX - column, across)
    spline(cellY - row, down)
    let [dx, dy] = [0, 0]
    for (let r = 0; r < 4; r++)
      for (let c = 0; c < 4; c++) {
        const weight = (down[r] as number) * (across[c] as number)
        const at = 2 * ((row + r) * LATTICE + column + c)
        dx += weight * (control[at] as number)
        dy += weight * (control[at + 1] as number)
      }
    out[i] = x + dx
    out[i + 1] = y + dy
  }
  return out
}
