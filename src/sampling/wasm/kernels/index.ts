/**
 * What the host sees of the generators, which are kernels of the backend. Everything stands at fixed places of one page of
 * memory: see `places.ts`.
 */
import { chacha as blocks } from '../../../tensor/backend/wasm/kernels/chacha'
import { normals as variates } from '../../../tensor/backend/wasm/kernels/normal'
import { threefry as counters } from '../../../tensor/backend/wasm/kernels/threefry'
import { STATE, TAILS, VARIATES, WORDS } from './places'

/** Writes the blocks of `count` counters from (high, low) on, in whole groups of eight. */
export function threefry(k0: i32, k1: i32, high: i32, low: i32, count: i32): void {
  counters(k0, k1, high, low, count, WORDS)
}

/** Writes the blocks of `count` counters from that of the state on, in whole groups of four. */
export function chacha(count: i32): void {
  blocks(STATE, count, WORDS)
}

/** The variates of `count` pairs of words after the first `skip` pairs. */
export function normals(skip: i32, count: i32): void {
  variates(WORDS + ((<usize>skip) << 3), count, VARIATES, TAILS)
}
