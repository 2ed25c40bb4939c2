/**
 * A small problem to train on: three noisy clusters in four dimensions.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { Dataset } from '../../src/data/dataset.js'
import { inMemory } from '../../src/data/index.js'

const right = <L, A>(either: E.Either<L, A>): A => {
  if (E.isLeft(either)) throw new Error(JSON.stringify(either.left))
  return either.right
}

export const clusters = (count: number): Dataset =>
  right(
    inMemory({
      pixels: Array.from({ length: 4 * count }, (_, i) => {
        const [example, axis] = [Math.floor(i / 4), i % 4]
        return (example % 3 === axis ? 1 : 0) + 0.4 * Math.sin(12.9898 * i + 78.233)
      }),
      labels: Array.from({ length: count }, (_, i) => i % 3),
      inputShape: [4],
      classes: 3,
      normalisation: { range: 1, mean: 0, std: 1 },
    }),
  )
