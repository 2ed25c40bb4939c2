/**
 * From a model as plain data to its rule.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { NonEmptyArray } from 'fp-ts/lib/NonEmptyArray.js'
import { type AnyLayer, inForm, type LayerRule, parallel, residual, sequential } from '../../grad/index.js'
import type { Tree } from '../../tensor/tree.js'
import { type LayerSpec, layerOf } from './layer-spec.js'
import { foldWiring, type ModelSpec } from './model-spec.js'
import { type ModelProblem, validate } from './validate.js'

/** The parameters of each layer, under its name. */
export type SpecParams = Readonly<Record<string, Tree>>

type Entries = readonly (readonly [name: string, params: Tree])[]

/** A composed rule, and how its parameters are those of the named layers. */
interface Part {
  readonly rule: AnyLayer
  readonly into: (params: SpecParams) => Tree
  readonly from: (params: Tree) => Entries
}

/** The rule of a layer, which a valid model's layers have, under the layer's name in messages. */
const named = (name: string, spec: LayerSpec): AnyLayer => {
  const rule = layerOf(spec) as AnyLayer
  return { ...rule, name: `${name}: ${rule.name}` }
}

const listed = (parts: readonly Part[]): Pick<Part, 'into' | 'from'> => ({
  into: (params) => parts.map((part) => part.into(params)),
  from: (params) => parts.flatMap((part, index) => part.from((params as readonly Tree[])[index] as Tree)),
})

const residualPart = (body: Part, shortcut: Part | undefined): Part => {
  const around = shortcut === undefined ? residual(body.rule) : residual(body.rule, shortcut.rule)
  return {
    rule: around as AnyLayer,
    into: (params) => ({ body: body.into(params), shortcut: shortcut?.into(params) ?? [] }),
    from: (params) => {
      const both = params as { readonly body: Tree; readonly shortcut: Tree }
      return [...body.from(both.body), ...(shortcut?.from(both.shortcut) ?? [])]
    },
  }
}

/**
 * The rule of a valid model; or everything that is wrong with it. The path of a parameter is the name of its layer and its own
 * (`layer1.0.conv1.weight`), wherever the wiring puts the layer.
 *
 * Cost  that of the composition
 *
 * @example
 * const model: ModelSpec = { layers: { a: { _tag: 'Linear', outputs: 4 }, act: { _tag: 'Plain', name: 'relu' } }, wiring: ['a', 'act'] }
 * pipe(build(model), E.map((rule) => rule.init(key(0), [3]).output)) // => E.right([4])
 */
export const build = (model: ModelSpec): E.Either<NonEmptyArray<ModelProblem>, LayerRule<SpecParams, unknown>> =>
  pipe(
    validate(model),
    E.map(({ layers, wiring }) => {
      const whole = foldWiring<Part>({
        layer: (name) => ({
          rule: named(name, layers[name] as LayerSpec),
          into: (params) => params[name] ?? {},
          from: (params) => [[name, params]],
        }),
        sequence: (parts) => ({ rule: sequential(...parts.map(({ rule }) => rule)) as AnyLayer, ...listed(parts) }),
        residual: residualPart,
        parallel: (branches, axis) => ({
          rule: parallel(axis === undefined ? {} : { combine: 'concatenate', axis })(
            ...(branches.map(({ rule }) => rule) as unknown as readonly [AnyLayer, ...AnyLayer[]]),
          ) as AnyLayer,
          ...listed(branches),
        }),
      })(wiring)
      return inForm<SpecParams, Tree>({
        name: whole.rule.name,
        into: whole.into,
        from: (params) => Object.fromEntries(whole.from(params)),
      })(whole.rule)
    }),
  )
