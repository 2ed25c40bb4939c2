/**
 * Where examples come from: memory, IDX files, or the pen of this library.
 *
 * @module
 */
export * from './data-error.js'
export {
  type Dataset,
  inMemory,
  type LabelledBatch,
  type LabelledExamples,
  type Normalisation,
  unitRange,
} from './dataset.js'
export { type Digit, type DigitsRequest, drawDigit, drawDigits, type Handwriting, handwriting } from './digits.js'
export * from './idx.js'
export * from './idx-folder.js'
export * from './inflate.js'
export * from './safetensors.js'
