/**
 * Pictures as pixels: the SVG of a chart as a PNG file, drawn by resvg where that package is installed. Node only.
 */
import * as E from 'fp-ts/lib/Either.js'
import type * as TE from 'fp-ts/lib/TaskEither.js'
import { loadPackage } from './optional-package.js'
import { type ReportError, withoutFont } from './report-error.js'

/** A letter on nothing: drawn where there is a font, and else not. */
const LETTER =
  '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><text x="2" y="16" font-size="16">ε</text></svg>'

/** Families that are widespread and know Greek letters; where none of them is installed, the system's first font is taken. */
const fonts = { loadSystemFonts: true, defaultFontFamily: 'DejaVu Sans', sansSerifFamily: 'DejaVu Sans' } as const

/**
 * The bytes of a PNG from the text of an SVG, `scale` pixels a unit (2 if not given).
 *
 * Cost    tens of milliseconds, and some hundreds for the fonts of the system
 * Errors  MissingPackage where @resvg/resvg-js is not installed; MissingFont where no letter can be drawn
 *
 * @example
 * const drawn = await pngOf('<svg xmlns="http://www.w3.org/2000/svg" width="2" height="2"/>')()
 * E.isLeft(drawn) || drawn.right.slice(1, 4) // => new Uint8Array([80, 78, 71])
 */
export const pngOf =
  (svg: string, scale = 2): TE.TaskEither<ReportError, Uint8Array> =>
  async () => {
    const loaded = await loadPackage('@resvg/resvg-js', () => import('@resvg/resvg-js'))
    if (E.isLeft(loaded)) return loaded
    const { Resvg } = loaded.right
    if (new Resvg(LETTER, { font: fonts }).getBBox() === undefined) return E.left(withoutFont)
    const picture = new Resvg(svg, { font: fonts, fitTo: { mode: 'zoom', value: scale } })
    return E.right(new Uint8Array(picture.render().asPng()))
  }
