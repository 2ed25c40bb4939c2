/**
 * Where in a model a layer stands that cannot take what it is given.
 */
import type { Key } from '../../sampling/key.js'
import { type Shape, type ShapeError, showShape } from '../../tensor/shape.js'
import type { Tree } from '../../tensor/tree.js'
import type { Initialised, LayerRule } from '../layer.js'

/** The innermost layer that refused, and the way to it. */
interface Place {
  readonly path: readonly string[]
  readonly layer: string
  readonly given: Shape
  readonly cause: ShapeError
}

const isShapeError = (error: unknown): error is ShapeError & { readonly place?: Place } =>
  error instanceof Error && error.name === 'ShapeError'

const errorAt = (place: Place, model: Shape): ShapeError => {
  const { path, layer, given, cause } = place
  const where = `layer ${path.join('.')}, ${layer}, of a model for ${showShape(model)} is given ${showShape(given)}`
  return Object.assign(new Error(`${where}: ${cause.message}`, { cause }), {
    name: 'ShapeError' as const,
    shapes: [given, model, ...cause.shapes],
    place,
  })
}

/**
 * The parameters of one layer of a composition that takes `model`. A ShapeError says where the layer stands, what it was given,
 * and what the model was given; within compositions of compositions it names the innermost.
 *
 * @internal
 */
export const initAt = <P extends Tree, C>(
  label: string,
  rule: LayerRule<P, C>,
  key: Key,
  { given, model }: { readonly given: Shape; readonly model: Shape },
): Initialised<P> => {
  try {
    return rule.init(key, given)
  } catch (error) {
    if (!isShapeError(error)) throw error
    const inner: Place = error.place ?? { path: [], layer: rule.name, given, cause: error }
    throw errorAt({ ...inner, path: [label, ...inner.path] }, model)
  }
}

/**
 * What the body gives; where it throws a ShapeError about a place in a list, the place is called by its label.
 *
 * @internal
 */
export const relabelled = <A>(labels: readonly string[] | undefined, body: () => A): A => {
  try {
    return body()
  } catch (error) {
    if (labels === undefined || !isShapeError(error) || error.place === undefined) throw error
    const { path } = error.place
    const [first, ...rest] = path
    throw errorAt({ ...error.place, path: [labels[Number(first)] ?? `${first}`, ...rest] }, error.shapes[1] as Shape)
  }
}
