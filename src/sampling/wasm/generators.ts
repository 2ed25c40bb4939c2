/**
 * The block ciphers and the normal variates in WebAssembly SIMD: the words of `threefry.ts` and `chacha.ts` and the numbers of
 * `normal.ts`, bit for bit, several times as fast. Where WebAssembly or its SIMD is missing, those do the work.
 */
import type { ChaChaNonce, Counter } from '../counter.js'
import { generators as binary } from './generated/modules.js'

/** Places in the one page of memory, as in `kernels/places.ts`. */
const STATE = 0
const WORDS = 1024
const VARIATES = 16384

/** Pairs of words that one call makes. */
export const pairsAtOnce = 1024

interface Exports {
  readonly memory: WebAssembly.Memory
  readonly threefry: (k0: number, k1: number, high: number, low: number, count: number) => void
  readonly chacha: (blocks: number) => void
  readonly normals: (skip: number, count: number) => void
}

/** The generators, and windows into their memory. Whatever a call leaves there, the next one overwrites. */
export interface Generators {
  /** Blocks of `count` ≤ 1024 counters from `first` on, into `words`. */
  readonly threefry: (key: Readonly<ArrayLike<number>>, first: Counter, count: number) => void
  /** `blocks` ≤ 129 blocks of a key stream, into `words`. */
  readonly chacha: (key: Readonly<ArrayLike<number>>, nonce: ChaChaNonce, firstBlock: number, blocks: number) => void
  /** The variates of `count` ≤ 1024 pairs of `words` after the first `skip` pairs, into `variates`. */
  readonly normals: (skip: number, count: number) => void
  readonly words: Uint32Array
  readonly variates: Float64Array
}

const instantiate = (): Generators | undefined => {
  try {
    const module = new WebAssembly.Module(Uint8Array.from(atob(binary), (character) => character.charCodeAt(0)))
    const { memory, threefry, chacha, normals } = new WebAssembly.Instance(module).exports as unknown as Exports
    const state = new Uint32Array(memory.buffer, STATE, 16)
    state.set([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574])
    return {
      threefry: (key, { high, low }, count) => threefry(key[0] as number, key[1] as number, high, low, count),
      chacha: (key, { high, middle, low }, firstBlock, blocks) => {
        state.set(key, 4)
        state[12] = firstBlock
        state[13] = high + Math.floor(firstBlock / 0x100000000)
        state[14] = middle
        state[15] = low
        chacha(blocks)
      },
      normals,
      words: new Uint32Array(memory.buffer, WORDS, 2 * pairsAtOnce + 64),
      variates: new Float64Array(memory.buffer, VARIATES, pairsAtOnce),
    }
  } catch {
    return undefined
  }
}

let instance: { readonly generators: Generators | undefined } | undefined

/** The generators of this thread, undefined where the engine cannot run them. */
export const generators = (): Generators | undefined => {
  instance ??= { generators: instantiate() }
  return instance.generators
}
