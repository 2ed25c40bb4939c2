/**
 * Batches of people rather than of records: users are sampled, and each contributes a bounded number of records.
 */
import { foldIn, type Key } from '../key.js'
import { permutation } from '../permutation.js'
import { type BatchSampler, checkWhole, type SamplingScheme } from './scheme.js'

/** A batch of users, and what they contribute. */
export interface UserBatch {
  readonly users: Int32Array
  /** Records of these users, at most `contributions` of each, in ascending order. */
  readonly examples: Int32Array
}

/** A sampler of users. Its scheme is about users: so is the guarantee. */
export interface UserSampler<S extends SamplingScheme = SamplingScheme> {
  readonly scheme: S
  /** The most records of one user in one batch: k. */
  readonly contributions: number
  /** `userOf` names the user, 0 … users − 1, of every record. */
  readonly batch: (source: Key, step: number) => (userOf: Readonly<ArrayLike<number>>, users: number) => UserBatch
}

/**
 * Samples users by any sampler, and k of the records of each at most, uniformly.
 *
 * Guarantee  adding or removing one user, with all records, adds or removes at most k records of a batch: a sum in which each
 *            record moves at most C is moved by at most kC (`overContributions`). Which of its records a user contributes depends on
 *            the key, the step, the user and its number of records alone
 * Cost       O(records) a step
 * Errors     RangeError unless contributions is an integer ≥ 1, or where a user is not in 0 … users − 1
 *
 * @example
 * const { batch } = userSampler({ sampler: poissonSampler({ samplingProbability: 1 }), contributions: 2 })
 * batch(key(0), 0)([0, 0, 0, 1], 3).examples.length // => 3
 */
export const userSampler = <S extends SamplingScheme>({
  sampler,
  contributions,
}: {
  readonly sampler: BatchSampler<S>
  readonly contributions: number
}): UserSampler<S> => {
  checkWhole('contributions', contributions, 1)
  return {
    scheme: sampler.scheme,
    contributions,
    batch: (source, step) => (userOf, users) => {
      const chosen = sampler.batch(foldIn(0)(source), step)(users)
      const own = recordsOf(userOf, users)
      const stepKey = foldIn(step)(foldIn(1)(source))
      const examples = Array.from(chosen).flatMap((user) => {
        const records = own[user] as readonly number[]
        if (records.length <= contributions) return records
        const order = permutation(records.length)(foldIn(user)(stepKey)).slice(0, contributions)
        return Array.from(order, (place) => records[place] as number)
      })
      return { users: chosen, examples: Int32Array.from(examples).sort() }
    },
  }
}

/** The records of each user. */
const recordsOf = (userOf: Readonly<ArrayLike<number>>, users: number): readonly (readonly number[])[] => {
  const own = Array.from({ length: checkWhole('users', users, 0) }, (): number[] => [])
  for (let record = 0; record < userOf.length; record++) {
    const list = own[userOf[record] as number]
    if (list === undefined)
      throw new RangeError(`userOf[${record}] is ${userOf[record]}: it must be an integer in [0, ${users - 1}]`)
    list.push(record)
  }
  return own
}
