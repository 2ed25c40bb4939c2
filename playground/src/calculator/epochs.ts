/**
 * Sampling probability and steps from what people know of a training: the size of the data, of a batch, and the epochs.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import {
  type InvalidParameter,
  invalidParameter,
  showInvalidParameter,
} from '../../../src/privacy/invalid-parameter.js'
import { element, say } from '../page/element.js'
import { shown } from '../page/number-text.js'
import { type Query, queryFields } from './query.js'

export interface Epochs {
  readonly datasetSize: number
  /** Expected: the size of a Poisson batch is random. */
  readonly batchSize: number
  readonly epochs: number
}

export type SampledSteps = Pick<Query, 'samplingProbability' | 'steps'>

/**
 * q = B/N and T = ⌈E/q⌉.
 *
 * Errors  InvalidParameter for a number that is none, and where q or T is nothing that the calculator takes
 */
export const sampledSteps = ({ datasetSize, batchSize, epochs }: Epochs): E.Either<InvalidParameter, SampledSteps> => {
  const samplingProbability = batchSize / datasetSize
  const steps = Math.ceil(epochs / samplingProbability)
  const must = (
    holds: boolean,
    parameter: string,
    value: number,
    requirement: string,
  ): E.Either<InvalidParameter, void> =>
    holds ? E.right(undefined) : E.left(invalidParameter(parameter, value, requirement))
  return pipe(
    must(datasetSize >= 1 && datasetSize < Infinity, 'dataset size', datasetSize, 'a number of records, at least 1'),
    E.chain(() =>
      must(
        batchSize > 0 && queryFields.samplingProbability.allows(samplingProbability),
        'batch size',
        batchSize,
        'above 0 and at most the dataset size',
      ),
    ),
    E.chain(() =>
      must(epochs > 0 && queryFields.steps.allows(steps), 'epochs', epochs, 'above 0, and at most 1e9 steps'),
    ),
    E.map(() => ({ samplingProbability, steps })),
  )
}

const texts: Readonly<Record<keyof Epochs, { readonly label: string; readonly initial: number }>> = {
  datasetSize: { label: 'Records', initial: 60_000 },
  batchSize: { label: 'Batch size', initial: 256 },
  epochs: { label: 'Epochs', initial: 60 },
}

/** The boxes, and a button that takes what comes of them. */
export const epochsInput = (take: (found: SampledSteps) => void): HTMLElement => {
  const names = Object.keys(texts) as readonly (keyof Epochs)[]
  const result = element('p', { class: 'why', role: 'status' })
  const use = element('button', { type: 'button' }, 'Use these')
  const boxes = names.map((name) => {
    const box = element('input', { type: 'text', inputmode: 'decimal', class: 'box', id: `epochs-${name}`, size: 7 })
    box.value = String(texts[name].initial)
    return { name, box }
  })
  const found = (): E.Either<InvalidParameter, SampledSteps> =>
    sampledSteps(
      Object.fromEntries(
        boxes.map(({ name, box }) => [name, box.value.trim() === '' ? Number.NaN : Number(box.value)]),
      ) as unknown as Epochs,
    )
  const show = (): void => {
    const answer = found()
    use.disabled = E.isLeft(answer)
    say(
      result,
      E.isLeft(answer)
        ? `${showInvalidParameter(answer.left)}.`
        : `q = ${shown(answer.right.samplingProbability, 3)}, T = ${shown(answer.right.steps, 9)} steps`,
    )
  }
  for (const { box } of boxes) box.addEventListener('input', show)
  use.addEventListener('click', () => {
    const answer = found()
    if (E.isRight(answer)) take(answer.right)
  })
  show()
  return element(
    'details',
    { class: 'as-table epochs' },
    element('summary', {}, 'From dataset size, batch size and epochs'),
    ...boxes.map(({ name, box }) => element('label', { for: box.id }, texts[name].label, ' ', box)),
    result,
    use,
  )
}
