/**
 * The table of kernels. Their numbers are repeated in `../kernel.ts`.
 */
import { address } from './arguments'
import { convolveChunk, inputGradChunk, packWeightsChunk, weightGradChunk } from './convolution'
import { gatherChunk, mapChunk, padChunk, zipChunk } from './elementwise'
import { formulaChunk } from './formula'
import { gemmChunk } from './gemm'
import { combineChunk, finiteChunk, noiseChunk } from './linear'
import { groupNormChunk, groupNormGradChunk } from './normalisation'
import { pixelGramChunk } from './pixel-gram'
import { averagePoolChunk, averagePoolGradChunk, maxPoolChunk, maxPoolGradChunk } from './pooling'
import { reduceChunk, rowDotsChunk, rowNormsChunk, runSumsChunk, weightedRowSumsChunk } from './reduce'
import { winogradChunk, winogradWeightsChunk } from './winograd'
import { winogradGradChunk } from './winograd-grad'

/** Where the scratch of thread 0 begins, and how far it is to the next thread's: the last two arguments. */
const SCRATCH: i32 = 62
const SCRATCH_STEP: i32 = 63

export function run(kernel: i32, chunk: i32, thread: i32): void {
  const scratch = address(SCRATCH) + <usize>thread * address(SCRATCH_STEP)
  switch (kernel) {
    case 0:
      mapChunk(chunk)
      break
    case 1:
      zipChunk(chunk)
      break
    case 2:
      gatherChunk(chunk)
      break
    case 3:
      padChunk(chunk)
      break
    case 4:
      gemmChunk(chunk, scratch)
      break
    case 5:
      reduceChunk(chunk)
      break
    case 6:
      rowDotsChunk(chunk)
      break
    case 7:
      weightedRowSumsChunk(chunk)
      break
    case 8:
      packWeightsChunk(chunk)
      break
    case 9:
      convolveChunk(chunk, scratch)
      break
    case 10:
      inputGradChunk(chunk, scratch)
      break
    case 11:
      weightGradChunk(chunk, scratch)
      break
    case 12:
      maxPoolChunk(chunk)
      break
    case 13:
      maxPoolGradChunk(chunk)
      break
    case 14:
      averagePoolChunk(chunk)
      break
    case 15:
      averagePoolGradChunk(chunk)
      break
    case 16:
      pixelGramChunk(chunk, scratch)
      break
    case 17:
      groupNormChunk(chunk)
      break
    case 18:
      groupNormGradChunk(chunk, scratch)
      break
    case 19:
      winogradWeightsChunk(chunk)
      break
    case 20:
      winogradChunk(chunk, scratch)
      break
    case 21:
      winogradGradChunk(chunk, scratch)
      break
    case 22:
      combineChunk(chunk)
      break
    case 23:
      noiseChunk(chunk, scratch)
      break
    case 24:
      finiteChunk(chunk)
      break
    case 25:
      formulaChunk(chunk, scratch)
      break
    case 26:
      runSumsChunk()
      break
    case 27:
      rowNormsChunk(chunk)
      break
  }
}
