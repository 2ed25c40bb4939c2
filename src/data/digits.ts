/**
 * Digits that nobody wrote: an endless supply of labelled 28×28 images, drawn from a key.
 *
 * A digit is a style of its class (see digit-shapes.ts), with every knot moved a little, posed by a random affine map,
 * bent by a smooth random field, drawn with a pen of random width, softness and blackness, among scraps of other lines
 * and under noise. No two are alike, no person is in them, and they cost nothing to download.
 */
import { foldIn, type Key, randomBits } from '../sampling/key.js'
import type { Shape } from '../tensor/shape.js'
import { type Dataset, type Normalisation, unitRange, unsafeDataset } from './dataset.js'
import { type DigitStyle, digitStyles } from './digit-shapes.js'
import { affineOf, distort, elasticField, type Pose } from './elastic-distortion.js'
import { blankPage, drawLine, type Page } from './ink.js'
import { traceStroke } from './strokes.js'

/** Pixels on a side. */
const EXTENT = 28
const PIXELS = EXTENT * EXTENT
const CLASSES = 10

/** How far hands differ. Uniform ranges: a pair is [least, most], a single number the largest deviation from 0. */
export interface Handwriting {
  /** tan(θ/2) of the rotation. */
  readonly halfTurn: number
  readonly slant: number
  /** Pixels between the top of a digit and its bottom. */
  readonly height: Range
  /** Width over height, for a digit whose skeleton is a square. */
  readonly aspect: Range
  /** Pixels, each way, from the middle of the page. */
  readonly shift: number
  /** Of each knot, in heights. */
  readonly jitter: number
  /** Pixels of elastic displacement. */
  readonly bend: number
  /** Half the width of the pen, in pixels. */
  readonly radius: Range
  /** Width of a line at its end over width at its start. */
  readonly taper: Range
  /** Width of the soft edge, in pixels. */
  readonly softness: Range
  /** Brightness of ink, 0 … 255. */
  readonly ink: Range
  /** Standard deviation of the noise of each pixel, in grey levels. */
  readonly noise: Range
  /** Most scraps of other lines on a page. */
  readonly scraps: number
}

/** What `drawDigits` uses unless it is told otherwise. */
export const handwriting: Handwriting = {
  halfTurn: 0.13,
  slant: 0.3,
  height: [15.5, 21],
  aspect: [0.8, 1.15],
  shift: 2.25,
  jitter: 0.035,
  bend: 3,
  radius: [0.75, 1.7],
  taper: [0.6, 1.1],
  softness: [0.9, 1.8],
  ink: [150, 255],
  noise: [4, 20],
  scraps: 2,
}

/** A grey image and what it shows. */
export interface Digit {
  /** uint8 [28, 28], row-major: 0 is paper and 255 the blackest ink. */
  readonly pixels: Readonly<ArrayLike<number>>
  readonly label: number
}

/** n uniforms on [0, 1) from one key. */
const uniforms = (count: number, key: Key): Float64Array =>
  Float64Array.from(randomBits(count)(key), (word) => word * 2 ** -32)

type Range = readonly [least: number, most: number]

const around = (largest: number): Range => [-largest, largest]
const between = ([least, most]: Range, u: number): number => least + (most - least) * u

/** One uniform on each of the ranges. */
const drawEach = <Name extends string>(ranges: Readonly<Record<Name, Range>>, key: Key): Record<Name, number> => {
  const u = uniforms(Object.keys(ranges).length, key)
  const drawn: Record<string, number> = {}
  let next = 0
  for (const name in ranges) drawn[name] = between(ranges[name], u[next++] as number)
  return drawn as Record<Name, number>
}

const poseOf = (hand: Handwriting, key: Key): Pose => {
  const { height, aspect, x, y, ...angles } = drawEach(
    {
      halfTurn: around(hand.halfTurn),
      slant: around(hand.slant),
      height: hand.height,
      aspect: hand.aspect,
      x: around(hand.shift),
      y: around(hand.shift),
    },
    key,
  )
  return { ...angles, center: [EXTENT / 2 + x, EXTENT / 2 + y], scale: [height * aspect, height] }
}

/** The strokes of a style, as this hand writes them. */
const writeDigit = (page: Page, hand: Handwriting, style: DigitStyle, key: Key): void => {
  const affine = affineOf(poseOf(hand, foldIn(0)(key)))
  const field = elasticField({ extent: EXTENT, strength: hand.bend })(foldIn(1)(key))
  const { radius, taper, softness } = drawEach(
    { radius: hand.radius, taper: hand.taper, softness: hand.softness },
    foldIn(2)(key),
  )
  style.forEach((stroke, index) => {
    const wobble = uniforms(2 * stroke.knots.length, foldIn(3 + index)(key))
    const trace = traceStroke(stroke, 5, ([x, y], knot) => [
      x + between(around(hand.jitter), wobble[2 * knot] as number),
      y + between(around(hand.jitter), wobble[2 * knot + 1] as number),
    ])
    drawLine(page, { radius: [radius, radius * taper], softness }, distort(affine, field, trace))
  })
}

/** Short straight scraps anywhere on the page, thin and at most a third of it long. */
const drawScraps = (page: Page, hand: Handwriting, key: Key): void => {
  const count = Math.floor(drawEach({ scraps: [0, hand.scraps + 1] }, key).scraps)
  for (let scrap = 0; scrap < count; scrap++) {
    const { x, y, dx, dy, radius } = drawEach(
      { x: [0, EXTENT], y: [0, EXTENT], dx: around(EXTENT / 6), dy: around(EXTENT / 6), radius: [0.3, 0.9] },
      foldIn(scrap)(key),
    )
    drawLine(page, { radius: [radius, radius], softness: 1 }, Float64Array.of(x, y, x + dx, y + dy))
  }
}

/** Four bytes of a word, added: nearly normal, with this mean and this standard deviation. */
const NOISE_MEAN = 4 * 127.5
const NOISE_DEVIATION = Math.sqrt((4 * (256 * 256 - 1)) / 12)

/** Ink and noise to grey levels. */
const expose = (page: Page, hand: Handwriting, key: Key): Uint8Array => {
  const { ink, noise } = drawEach({ ink: hand.ink, noise: hand.noise }, foldIn(0)(key))
  const deviation = noise / NOISE_DEVIATION
  const words = randomBits(PIXELS)(foldIn(1)(key))
  const out = new Uint8Array(PIXELS)
  for (let i = 0; i < PIXELS; i++) {
    const word = words[i] as number
    const bytes = (word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24)
    const grey = ink * (page.coverage[i] as number) + deviation * (bytes - NOISE_MEAN)
    out[i] = Math.min(255, Math.max(0, Math.floor(grey + 0.5)))
  }
  return out
}

/**
 * One digit: a pure function of its key, and the same bits on every machine.
 *
 * @example
 * drawDigit(foldIn(3)(key(1))).pixels.length // => 784
 */
export const drawDigit = (key: Key, hand: Handwriting = handwriting): Digit => {
  const { which, how } = drawEach({ which: [0, CLASSES], how: [0, 1] }, foldIn(0)(key))
  const label = Math.floor(which)
  const styles = digitStyles[label] as readonly DigitStyle[]
  const page = blankPage(EXTENT)
  writeDigit(page, hand, styles[Math.floor(how * styles.length)] as DigitStyle, foldIn(1)(key))
  drawScraps(page, hand, foldIn(2)(key))
  return { pixels: expose(page, hand, foldIn(3)(key)), label }
}

/** What to draw. */
export interface DigitsRequest {
  readonly count: number
  readonly key: Key
  /** `unitRange` by default. */
  readonly normalisation?: Normalisation
}

/** The shape of one image: a channel, rows, columns. */
const INPUT_SHAPE: Shape = [1, EXTENT, EXTENT]

/**
 * A dataset of drawn digits, all ten classes equally likely.
 *
 * Shapes      input [n, 1, 28, 28]
 * Cost        about 0.1 ms and 3 KB a digit
 * Guarantee   example i depends on (key, i) alone: a larger count extends a smaller one
 *
 * @example
 * drawDigits({ count: 2, key: key(0) }).take([1]).input.shape // => [1, 1, 28, 28]
 */
export const drawDigits = ({ count, key, normalisation = unitRange }: DigitsRequest): Dataset => {
  const { range, mean, std } = normalisation
  const levels = Float32Array.from({ length: 256 }, (_, grey) => (grey / range - mean) / std)
  const inputs = new Float32Array(count * PIXELS)
  const targets = new Int32Array(count)
  for (let i = 0; i < count; i++) {
    const { pixels, label } = drawDigit(foldIn(i)(key))
    for (let j = 0; j < PIXELS; j++) inputs[i * PIXELS + j] = levels[pixels[j] as number] as number
    targets[i] = label
  }
  return unsafeDataset({ inputs, targets, inputShape: INPUT_SHAPE, classes: CLASSES })
}
