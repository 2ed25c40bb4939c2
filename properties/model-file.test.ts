import { readFileSync } from 'node:fs'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import {
  decodeModel,
  decodeNpz,
  encodeModel,
  encodeNpz,
  namedTensors,
  paramsFrom,
  showDataError,
} from '../src/data/index.js'
import { conv2d, flatten, gru, linear, named, predict, relu, sequential } from '../src/grad/index.js'
import { key } from '../src/sampling/index.js'
import { reference } from '../src/tensor/backend/reference.js'
import { scalar, tensor, toArray } from '../src/tensor/index.js'

const golden = JSON.parse(readFileSync(new URL('golden/model-file.json', import.meta.url), 'utf8')) as {
  readonly bytes: string
  readonly values: Readonly<Record<string, readonly number[]>>
}
const layers = JSON.parse(readFileSync(new URL('golden/layers.json', import.meta.url), 'utf8')) as {
  readonly cases: readonly {
    readonly name: string
    readonly layer: string
    readonly config: Readonly<Record<string, number>>
    readonly params: Readonly<Record<string, { readonly shape: number[]; readonly data: number[] }>>
  }[]
}
const right = <L, A>(either: E.Either<L, A>): A => {
  if (E.isLeft(either)) throw new Error(JSON.stringify(either.left))
  return either.right
}
const bytesOf = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))

const model = sequential(conv2d(2, { kernel: 2 }), relu, flatten, linear(3))
const { params } = model.init(key(0), [1, 3, 3])

describe('model files', () => {
  it('a state dictionary is read, in its names and layouts', () => {
    const read = right(decodeModel(params)(bytesOf(golden.bytes)))
    for (const [name, leaf] of Object.entries(namedTensors(read))) expect(toArray(leaf)).toEqual(golden.values[name])
    const [x] = [tensor([0, 1, 0, 0, 0, 0, 0, 0, 0], [1, 1, 3, 3], 'float64')]
    // By hand: channel 0 is w · patch + ½ with w = 0 1 2 3, so 1.5 where the one is at the top right, ½ + 0 at the top left, …
    const hidden = [1.5, 0.5, 0.5, 0.5, 4.5, 3.5, 0, 0]
    const want = [0, 1, 2].map((o) => hidden.reduce((sum, h, i) => sum + (h * (8 * o + i)) / 8, o + 1))
    const got = toArray(predict(model, { backend: reference })(read, x))
    got.forEach((y, o) => {
      expect(y).toBeCloseTo(want[o] as number, 12)
    })
  })

  it('there and back, by safetensors and by NPZ', () => {
    const back = right(decodeModel(params)(encodeModel(params, { made: 'here' })))
    expect(back).toEqual(params)
    expect(right(paramsFrom(params)(right(decodeNpz(encodeNpz(namedTensors(params))))))).toEqual(params)
  })

  it('recurrent layers have the names of PyTorch', () => {
    const recurrent = layers.cases.find(({ layer }) => layer === 'gru')
    const names = Object.keys(recurrent?.params ?? {})
    const ours = named({ r: gru(4) }).init(key(0), [3, 2]).params
    expect(names.length).toBeGreaterThan(0)
    expect(Object.keys(namedTensors(ours)).filter((name) => names.includes(name)).length).toBeGreaterThan(1)
  })

  it('what does not fit is named', () => {
    const bytes = bytesOf(golden.bytes)
    const message = (like: Parameters<typeof decodeModel>[0]): string => {
      const read = decodeModel(like)(bytes)
      return E.isLeft(read) ? showDataError(read.left) : ''
    }
    expect(message([{ weight: params[0].weight }, {}, {}, params[3]])).toMatch(
      /a tensor 0.bias that the model does not have/,
    )
    expect(message([params[0], { scale: scalar(1) }, {}, params[3]])).toMatch(/no tensor 1.scale/)
    expect(message([params[0], {}, {}, { ...params[3], bias: tensor([1, 2], [2]) }])).toMatch(
      /3.bias of shape \[3\].*shape \[2\]/,
    )
    expect(() => namedTensors({ 'a.b': scalar(1), a: { b: scalar(2) } })).toThrow(/two parameters of the name a.b/)
  })
})
