/**
 * Where examples come from: memory, files of the usual formats, or the pen of this library.
 *
 * @module
 */
export * from './array-pairs.js'
export { readBytes, writeFileAtomically } from './atomic-file.js'
export type { ByteNormalisation } from './byte-rows.js'
export { type CifarLabels, type CifarOptions, cifarShape, parseCifar } from './cifar.js'
export * from './cifar-files.js'
export { crc32 } from './crc32.js'
export { parseCsv } from './csv.js'
export type { CsvColumn, CsvSchema } from './csv-schema.js'
export {
  type DataError,
  type InconsistentData,
  inconsistentData,
  type MalformedData,
  malformedData,
  showDataError,
  type UnreadableFile,
  unreadableFile,
} from './data-error.js'
export {
  type Dataset,
  examplesFrom,
  inMemory,
  type LabelledBatch,
  type LabelledExamples,
  type Normalisation,
  unitRange,
} from './dataset.js'
export * from './dead-leaves.js'
export { type Digit, type DigitsRequest, drawDigit, drawDigits, type Handwriting, handwriting } from './digits.js'
export {
  cachedFeatures,
  type FeatureCacheOptions,
  type FeatureProgress,
  type FeatureRecipe,
} from './feature-cache.js'
export { gunzip } from './gzip.js'
export { type IdxArray, type IdxHeader, type IdxType, parseIdx, parseIdxHeader } from './idx.js'
export * from './idx-folder.js'
export { type IdxOnDisk, idxOnDisk } from './idx-on-disk.js'
export * from './inflate.js'
export { decodeModel, encodeModel, namedTensors, paramsFrom } from './model-file.js'
export { decodeNpy, encodeNpy } from './npy.js'
export { decodeNpz, encodeNpz } from './npz.js'
export { decodeSafeTensors, encodeSafeTensors, type SafeTensors } from './safetensors.js'
export * from './scattering-features.js'
export { parseTar, type TarFile } from './tar.js'
export * from './whitening.js'
