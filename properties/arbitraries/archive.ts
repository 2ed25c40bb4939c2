/**
 * Archives and records, written by the obvious loop.
 */

/** A file to be put into an archive. */
export interface Packed {
  readonly name: string
  readonly content: Uint8Array
  /** Default '0', a plain file. */
  readonly kind?: string
  /** What the header claims, where that is not the length. */
  readonly claimed?: number
}

const header = ({ name, content, kind = '0', claimed = content.length }: Packed): Uint8Array => {
  const bytes = new Uint8Array(512)
  const write = (at: number, text: string): void => bytes.set(new TextEncoder().encode(text), at)
  write(0, name)
  write(100, '0000644\0')
  write(124, `${claimed.toString(8).padStart(11, '0')}\0`)
  write(156, kind)
  write(257, 'ustar\x0000')
  bytes.fill(0x20, 148, 156)
  write(
    148,
    `${bytes
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
  )
  return bytes
}

/** A tar archive. */
export const packTar = (files: readonly Packed[]): Uint8Array => {
  const blocks = files.flatMap((file) => {
    const filled = new Uint8Array(Math.ceil(file.content.length / 512) * 512)
    filled.set(file.content)
    return [header(file), filled]
  })
  return Uint8Array.from(Buffer.concat([...blocks, new Uint8Array(1024)]))
}

/** The pixel at a place of a record: what `cifarRecords` writes. */
export const cifarPixel = (record: number, place: number): number => (record * 131 + place * 7) % 256

/** Records of CIFAR with the given label bytes before each image. */
export const cifarRecords = (labels: readonly (readonly number[])[]): Uint8Array =>
  Uint8Array.from(labels.flatMap((lead, i) => [...lead, ...Array.from({ length: 3072 }, (_, j) => cifarPixel(i, j))]))
