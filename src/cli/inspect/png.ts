/**
 * PNG pictures of bytes.
 *
 *   file = mark · IHDR · IDAT · IEND      chunk = length · name · content · CRC-32 of name and content
 *
 * References  W3C 2003, Portable Network Graphics (PNG) Specification, second edition, section 5
 */
import { deflateSync } from 'node:zlib'
import { crc32 } from '../../data/index.js'

/** A picture: a byte a pixel, or three. */
export interface Picture {
  readonly width: number
  readonly height: number
  readonly channels: 1 | 3
  /** Row by row, channels together. */
  readonly pixels: Uint8Array
}

const MARK = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)

const u32 = (value: number): Uint8Array => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)

const chunk = (name: string, content: Uint8Array): Uint8Array => {
  const named = Buffer.concat([new TextEncoder().encode(name), content])
  return Buffer.concat([u32(content.length), named, u32(crc32(named))])
}

/** The bytes of a PNG file. */
export const encodePng = ({ width, height, channels, pixels }: Picture): Uint8Array => {
  const row = width * channels
  const filtered = new Uint8Array(height * (row + 1))
  for (let y = 0; y < height; y++) filtered.set(pixels.subarray(y * row, (y + 1) * row), y * (row + 1) + 1)
  const header = Buffer.concat([u32(width), u32(height), Uint8Array.of(8, channels === 1 ? 0 : 2, 0, 0, 0)])
  return Uint8Array.from(
    Buffer.concat([
      MARK,
      chunk('IHDR', header),
      chunk('IDAT', deflateSync(filtered)),
      chunk('IEND', new Uint8Array(0)),
    ]),
  )
}
