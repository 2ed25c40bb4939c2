/**
 * Ink on a page of pixels, by the distance of each pixel to the middle of the line.
 */
import type { Polyline } from './strokes.js'

/** A square of grey values, 0 for paper and 1 for ink. Kernels write to it. */
export interface Page {
  readonly extent: number
  readonly coverage: Float32Array
}

/** How a line is drawn. All in pixels. */
export interface Pen {
  /** Half the width of the line at its start and at its end. */
  readonly radius: readonly [start: number, end: number]
  /** Width of the soft edge. */
  readonly softness: number
}

/** An empty page. */
export const blankPage = (extent: number): Page => ({ extent, coverage: new Float32Array(extent * extent) })

/**
 * Draws a line of changing width over what is there: a pixel at distance d of the middle gets
 * clamp((radius − d) / softness + ½), if that is more than it has. Pixel (x, y) lies at (x + ½, y + ½).
 *
 * Cost  a square root for each pixel within reach of each piece
 *
 * @internal
 */
export const drawLine = ({ extent, coverage }: Page, { radius, softness }: Pen, line: Polyline): void => {
  const pieces = line.length / 2 - 1
  for (let piece = 0; piece < pieces; piece++) {
    const [x0, y0] = [line[2 * piece] as number, line[2 * piece + 1] as number]
    const [dx, dy] = [(line[2 * piece + 2] as number) - x0, (line[2 * piece + 3] as number) - y0]
    const thickness = radius[0] + ((radius[1] - radius[0]) * (piece + 0.5)) / pieces
    const reach = thickness + softness / 2
    const inverse = 1 / Math.max(dx * dx + dy * dy, 1e-12)
    const left = Math.max(0, Math.floor(Math.min(x0, x0 + dx) - reach))
    const right = Math.min(extent - 1, Math.floor(Math.max(x0, x0 + dx) + reach))
    const top = Math.max(0, Math.floor(Math.min(y0, y0 + dy) - reach))
    const bottom = Math.min(extent - 1, Math.floor(Math.max(y0, y0 + dy) + reach))
    for (let y = top; y <= bottom; y++)
      for (let x = left; x <= right; x++) {
        const [px, py] = [x + 0.5 - x0, y + 0.5 - y0]
        const along = Math.min(1, Math.max(0, (px * dx + py * dy) * inverse))
        const [ex, ey] = [px - along * dx, py - along * dy]
        const squared = ex * ex + ey * ey
        if (squared >= reach * reach) continue
        const value = Math.min(1, (thickness - Math.sqrt(squared)) / softness + 0.5)
        const at = y * extent + x
        if (value > (coverage[at] as number)) coverage[at] = value
      }
  }
}
