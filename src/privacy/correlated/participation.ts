/**
 * Participation patterns: in which steps one record may take part.
 *
 * Legend: n steps, b = minSeparation, k = maxParticipations; step indices begin at 0.
 */

/**
 * Two steps in which one record takes part are at least `minSeparation` apart (b = 1 separates nothing), and there are at most
 * `maxParticipations` of them (as many as fit, if not given).
 *
 * Reference  Choquette-Choo, McMahan, Rush & Thakurta 2022, arXiv:2211.06530; Choquette-Choo et al. 2023, arXiv:2306.08153, Def. 2
 */
export interface Participation {
  readonly minSeparation: number
  readonly maxParticipations?: number
}

/** Each record in one step at most. */
export const singleParticipation: Participation = { minSeparation: 1, maxParticipations: 1 }

/**
 * Epochs over data in one fixed order: each record returns after exactly as many steps as an epoch has.
 *
 * @example
 * epochsInOrder({ stepsPerEpoch: 100, epochs: 3 }) // => { minSeparation: 100, maxParticipations: 3 }
 */
export const epochsInOrder = (training: {
  readonly stepsPerEpoch: number
  readonly epochs: number
}): Participation => ({ minSeparation: training.stepsPerEpoch, maxParticipations: training.epochs })

const isPositiveCount = (count: number): boolean => Number.isSafeInteger(count) && count > 0

/**
 * The most often that one record can take part in n steps: min(k, ⌈n/b⌉).
 *
 * @throws RangeError unless n, b and k are integers ≥ 1
 * @example
 * participationsIn(10)({ minSeparation: 4 }) // => 3
 */
export const participationsIn =
  (steps: number) =>
  ({ minSeparation, maxParticipations = steps }: Participation): number => {
    for (const [name, value] of Object.entries({ steps, minSeparation, maxParticipations }))
      if (!isPositiveCount(value)) throw new RangeError(`${name} is ${value}: it must be an integer >= 1`)
    return Math.min(maxParticipations, Math.ceil(steps / minSeparation))
  }

/**
 * The largest sum of values at the steps of one pattern.
 *
 *   max Σⱼ vⱼ over patterns;   f(m, j) = max(f(m, j − 1), vⱼ + f(m − 1, j − b))
 *
 * Cost       O(n k); O(n log n) for b = 1, where it is the sum of the k largest
 * Reference  Choquette-Choo et al. 2023, arXiv:2306.08153, Algorithm 3 (VecSens)
 *
 * @example
 * largestOverPatterns({ minSeparation: 2 })([3, 4, 3]) // => 6
 */
export const largestOverPatterns =
  (participation: Participation) =>
  (values: Readonly<ArrayLike<number>>): number => {
    const steps = values.length
    const { minSeparation } = participation
    const participations = participationsIn(steps)(participation)
    if (minSeparation === 1)
      return Float64Array.from(values)
        .sort()
        .subarray(steps - participations)
        .reduce((sum, value) => sum + Math.max(0, value), 0)
    let best = new Float64Array(steps)
    for (let m = participations; m > 0; m--) {
      const next = new Float64Array(steps)
      for (let j = 0; j < steps; j++) {
        const taken = (values[j] as number) + (j >= minSeparation ? (best[j - minSeparation] as number) : 0)
        next[j] = Math.max(taken, j > 0 ? (next[j - 1] as number) : 0)
      }
      best = next
    }
    return best[steps - 1] as number
  }
