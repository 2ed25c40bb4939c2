/**
 * The one page of memory. The host repeats these in `../generators.ts`.
 */

/** Key and nonce of ChaCha20: 16 words. */
export const STATE: usize = 0
/** Random words: at most 2048, what stands before them in their block, and what completes a group of blocks. */
export const WORDS: usize = 1024
/** Variates, float64: at most 1024, and what completes the last pair. */
export const VARIATES: usize = 16384
/** Which variates lie in a tail, int32: at most 1024, and two more. */
export const TAILS: usize = 32768
