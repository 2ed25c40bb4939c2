/**
 * The one page of memory. The host repeats these in `../generators.ts`.
 */

/** Key and nonce of ChaCha20: 16 words. */
export const STATE: usize = 0
/** Random words: at most 2048, and what stands before them in their block. */
export const WORDS: usize = 1024
/** Variates, float64: at most 1024. */
export const VARIATES: usize = 16384
/** Which variates the host has to finish, int32: at most 1024. */
export const UNFINISHED: usize = 32768
