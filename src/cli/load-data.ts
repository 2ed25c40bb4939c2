/**
 * The examples that a command trains on: a folder of IDX files, or drawn digits.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { type Dataset, drawDigits, readIdxFolder, showDataError, type TrainAndTest } from '../data/index.js'
import { foldIn, key } from '../sampling/index.js'
import type { DataFlags } from './flags.js'
import { type Refusal, refusal } from './screen.js'

export const loadData = async ({ data, examples }: DataFlags): Promise<E.Either<Refusal, TrainAndTest>> => {
  if (data !== undefined)
    return pipe(
      await readIdxFolder(data)(),
      E.mapLeft((error) => refusal(showDataError(error))),
    )
  // The pen has a key of its own, so that a seed changes the run and not the data.
  const pen = key(20_26)
  const draw = (part: number, count: number): Dataset => drawDigits({ count, key: foldIn(part)(pen) })
  return E.right({ train: draw(0, examples), test: draw(1, Math.max(1000, Math.round(examples / 5))) })
}

/** A line about what was loaded. */
export const describeData = ({ data }: DataFlags, { train, test }: TrainAndTest): string =>
  `Data: ${data ?? `${train.length} drawn digits`}: ${train.length} examples to train on, ${test.length} to test on.`
