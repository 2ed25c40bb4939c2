/**
 * Parameters by name, for files: the names and layouts of PyTorch's state dictionaries, which the layers' parameters have.
 *
 * The path of a parameter is its name: `0.weight` of a sequential model, `rnn.weight_ih_l0` of a named recurrent layer. So the
 * tensors of a safetensors or NPZ file that PyTorch's `state_dict()` was saved to are read into the same model built here,
 * and the other way round.
 */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { ShapeEq, showShape } from '../tensor/shape.js'
import { cast, type Tensor } from '../tensor/tensor.js'
import { mapTree, namedLeaves, type Tree } from '../tensor/tree.js'
import { type DataError, inconsistentData } from './data-error.js'
import { decodeSafeTensors, encodeSafeTensors } from './safetensors.js'

/**
 * The parameters as a record by path, such as `encodeSafeTensors` and `encodeNpz` take.
 *
 * @throws RangeError when two parameters have one path, as those of { 'a.b': … } and { a: { b: … } }
 * @example
 * Object.keys(namedTensors([{ weight: scalar(1) }, {}, { weight: scalar(2) }])) // => ['0.weight', '2.weight']
 */
export const namedTensors = (params: Tree): Readonly<Record<string, Tensor>> => {
  const leaves = namedLeaves(params)
  const named = Object.fromEntries(leaves.map(({ path, leaf }) => [path, leaf]))
  if (Object.keys(named).length < leaves.length) {
    const twice = leaves.find(({ path }, place) => leaves.findIndex((other) => other.path === path) < place)
    throw new RangeError(`params has two parameters of the name ${twice?.path}: a file can hold one`)
  }
  return named
}

/**
 * Parameters from tensors by name, in the structure and dtypes of `like` (such as `model.init(key(0), inputShape).params`).
 *
 * Errors  InconsistentData for a name that is missing or that the model does not have, and for another shape
 *
 * @example
 * paramsFrom({ bias: zeros([2]) })({ bias: zeros([3]) })._tag // => 'Left'
 */
export const paramsFrom =
  <P extends Tree>(like: P) =>
  (tensors: Readonly<Record<string, Tensor>>): E.Either<DataError, P> => {
    const refuse = (found: string, allowed: string): E.Either<DataError, never> =>
      E.left(inconsistentData({ source: 'the model file', found, allowed }))
    const wanted = namedTensors(like)
    const strange = Object.keys(tensors).filter((name) => !Object.hasOwn(wanted, name))
    const missing = Object.keys(wanted).filter((name) => !Object.hasOwn(tensors, name))
    if (strange.length > 0 || missing.length > 0)
      return refuse(
        [
          ...(missing.length > 0 ? [`no tensor ${missing.join(', ')}`] : []),
          ...(strange.length > 0 ? [`a tensor ${strange.join(', ')} that the model does not have`] : []),
        ].join(' and '),
        `the tensors ${Object.keys(wanted).join(', ')}`,
      )
    for (const [name, { shape }] of Object.entries(wanted)) {
      const found = tensors[name] as Tensor
      if (!ShapeEq.equals(found.shape, shape))
        return refuse(`${name} of shape ${showShape(found.shape)}`, `shape ${showShape(shape)}`)
    }
    return E.right(mapTree((leaf, path) => cast(leaf.dtype)(tensors[path] as Tensor))(like))
  }

/** A safetensors file of the parameters, which `safetensors.torch.load_file` reads into a state dictionary. */
export const encodeModel = (params: Tree, metadata: Readonly<Record<string, string>> = {}): Uint8Array =>
  encodeSafeTensors({ tensors: namedTensors(params), metadata })

/**
 * The parameters of a safetensors file, as `safetensors.torch.save_file(model.state_dict(), …)` writes it.
 *
 * Errors  those of `decodeSafeTensors` and of `paramsFrom`
 */
export const decodeModel =
  <P extends Tree>(like: P) =>
  (bytes: Uint8Array): E.Either<DataError, P> =>
    pipe(
      decodeSafeTensors(bytes),
      E.chain(({ tensors }) => paramsFrom(like)(tensors)),
    )
