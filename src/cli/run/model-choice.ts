/**
 * Models in a configuration: those of the literature by name, and any other as layers and their wiring.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { type AnyLayer, flatten, type LayerRule, linear, relu, sequential, tanh } from '../../grad/index.js'
import {
  build,
  cifarCnn,
  logisticRegression,
  type ModelSpec,
  preActivationResNet20,
  resNet20,
  scatteringLinear,
  showModelProblem,
  smallCnn,
  wideResNet16x4,
} from '../../models/index.js'
import type { Tree } from '../../tensor/tree.js'
import { modelSpecFields } from './layer-schema.js'
import { count, kind, kinds, list, oneOf, optional, record, type Schema } from './schema-parts.js'

interface Nonlinear {
  readonly activation?: 'relu' | 'tanh'
}

/** A model and its options, which are those of `fp-dp/models`; the number of classes is that of the data. */
export type ModelChoice =
  | ({ readonly kind: 'smallCnn' | 'cifarCnn' } & Nonlinear)
  | ({ readonly kind: 'mlp'; readonly hidden: readonly number[] } & Nonlinear)
  | { readonly kind: 'logisticRegression' }
  | { readonly kind: 'scatteringLinear'; readonly groups?: number }
  | {
      readonly kind: 'resNet20' | 'preActivationResNet20'
      readonly groups?: number
      readonly shortcut?: 'zeros' | 'convolution'
    }
  | { readonly kind: 'wideResNet16x4'; readonly groups?: number }
  | ({ readonly kind: 'layers' } & ModelSpec)

const nonlinear = { activation: optional(oneOf(['relu', 'tanh'])) }
const groups = { groups: optional(count) }
const names = [
  'smallCnn',
  'cifarCnn',
  'mlp',
  'logisticRegression',
  'scatteringLinear',
  'resNet20',
  'preActivationResNet20',
  'wideResNet16x4',
  'layers',
] as const

/** A model. */
export const modelSchema: Schema<ModelChoice> = kinds('kind', names, [
  ...(['smallCnn', 'cifarCnn'] as const).map((name) =>
    record<{ readonly kind: 'smallCnn' | 'cifarCnn' } & Nonlinear>({ kind: kind(name), ...nonlinear }),
  ),
  record<{ readonly kind: 'mlp'; readonly hidden: readonly number[] } & Nonlinear>({
    ...{ kind: kind('mlp'), hidden: list(count, 'a list of widths'), ...nonlinear },
  }),
  record<{ readonly kind: 'logisticRegression' }>({ kind: kind('logisticRegression') }),
  record<{ readonly kind: 'scatteringLinear'; readonly groups?: number }>({
    kind: kind('scatteringLinear'),
    ...groups,
  }),
  ...(['resNet20', 'preActivationResNet20'] as const).map((name) =>
    record<{
      readonly kind: 'resNet20' | 'preActivationResNet20'
      groups?: number
      shortcut?: 'zeros' | 'convolution'
    }>({
      ...{ kind: kind(name), ...groups, shortcut: optional(oneOf(['zeros', 'convolution'])) },
    }),
  ),
  record<{ readonly kind: 'wideResNet16x4'; readonly groups?: number }>({ kind: kind('wideResNet16x4'), ...groups }),
  record<{ readonly kind: 'layers' } & ModelSpec>({ kind: kind('layers'), ...modelSpecFields }),
])

const mlp = (hidden: readonly number[], activation: AnyLayer, classes: number): LayerRule<Tree, unknown> =>
  sequential(
    flatten as AnyLayer,
    ...hidden.flatMap((width) => [linear(width) as AnyLayer, activation]),
    linear(classes) as AnyLayer,
  ) as unknown as LayerRule<Tree, unknown>

/** The rule of a model with so many outputs, or a sentence for each layer that cannot be trained privately. */
export const modelOf = (
  choice: ModelChoice,
  classes: number,
): E.Either<readonly string[], LayerRule<Tree, unknown>> => {
  switch (choice.kind) {
    case 'smallCnn':
      return E.right(smallCnn(choice.activation ?? 'tanh'))
    case 'cifarCnn':
      return E.right(cifarCnn(choice.activation))
    case 'mlp':
      return E.right(mlp(choice.hidden, (choice.activation === 'relu' ? relu : tanh) as AnyLayer, classes))
    case 'logisticRegression':
      return E.right(logisticRegression({ classes }))
    case 'scatteringLinear':
      return E.right(scatteringLinear({ ...choice, classes }))
    case 'resNet20':
      return E.right(resNet20({ ...choice, classes }))
    case 'preActivationResNet20':
      return E.right(preActivationResNet20({ ...choice, classes }))
    case 'wideResNet16x4':
      return E.right(wideResNet16x4({ ...choice, classes }))
    case 'layers':
      return pipe(
        build(choice),
        E.bimap(
          (problems) => problems.map(showModelProblem),
          (rule) => rule as unknown as LayerRule<Tree, unknown>,
        ),
      )
  }
}
