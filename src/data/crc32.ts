/**
 * CRC-32, the checksum of gzip and zip: finds accidental damage, stops no forger.
 *
 * References  ISO 3309; Koopman 2002
 */

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})

/**
 * The checksum of bytes, an unsigned 32-bit number.
 *
 * @example
 * crc32(new TextEncoder().encode('123456789')).toString(16) // => 'cbf43926'
 */
export const crc32 = (bytes: Uint8Array): number => {
  let crc = 0xffffffff
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ (table[(crc ^ (bytes[i] as number)) & 255] as number)
  return (crc ^ 0xffffffff) >>> 0
}
