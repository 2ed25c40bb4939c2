/**
 * Shapes that do not fit are found when a model is composed, and the message says where.
 */
import { describe, expect, it } from 'vitest'
import { conv2d, flatten, linear, maxPool2d, named, relu, residual, sequential } from '../src/grad/index.js'
import { resNet20 } from '../src/models/index.js'
import { key } from '../src/sampling/index.js'
import { expectShapeError } from './laws/layer.js'

const messageOf = (body: () => unknown): string => {
  expectShapeError(body)
  try {
    body()
  } catch (error) {
    return (error as Error).message
  }
  return ''
}

describe('a layer that cannot take what it is given', () => {
  it('is named by its place, with its input and that of the model', () => {
    const model = sequential(conv2d(4, { kernel: 3 }), relu, flatten, conv2d(2, { kernel: 1 }))
    expect(messageOf(() => model.init(key(0), [1, 6, 6]))).toMatch(
      /^layer 3, conv2d\(2, 1×1\), of a model for \[1,6,6\] is given \[64\]: conv2d .*\[64\]/,
    )
  })
  it('is found within compositions, by the names that they give', () => {
    const block = residual(sequential(linear(4), relu, maxPool2d({ kernel: 2 })))
    const model = named({ first: linear(4), block, head: linear(2) })
    expect(messageOf(() => model.init(key(0), [3]))).toMatch(
      /^layer block\.body\.2, maxPool2d\(2×2\), of a model for \[3\] is given \[4\]/,
    )
  })
  it('is the composition itself, where branches do not fit together', () => {
    const model = named({ flatten, block: residual(linear(4)) })
    expect(messageOf(() => model.init(key(0), [3, 2]))).toMatch(
      /^layer block, residual\(.*\), of a model for \[3,2\] is given \[6\]: .*\[4\], \[6\]/,
    )
  })
  it('is found in a network', () => {
    expect(messageOf(() => resNet20().init(key(0), [32, 32]))).toMatch(/^layer conv, conv2d\(16, 3×3\), .* \[32,32\]/)
  })
})
