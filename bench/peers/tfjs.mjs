/**
 * The private step in TensorFlow.js on its WebAssembly backend: a loop over samples, the gradient of each by `tf.grads`. There is no
 * vmap; in Node the backend has one thread. Images are [n, h, w, c] here, and filters [kh, kw, c, o].
 */
import tf from '@tensorflow/tfjs'
import { version_wasm } from '@tensorflow/tfjs-backend-wasm'
import { readAll, serve } from '../serve.mjs'

/**
 * A convolution without padding. The wasm backend has no kernel for the gradient of a filter, so it is written as the convolution
 * that it is: samples for channels, and the cotangent, spread by the stride, for a filter.
 */
const conv = (stride) =>
  tf.customGrad((x, w, save) => {
    save([x, w])
    return {
      value: tf.conv2d(x, w, stride, 'valid'),
      gradFunc: (gy, [x, w]) => [
        tf.conv2dTranspose(gy, w, x.shape, stride, 'valid'),
        tf
          .conv2d(x.transpose([3, 1, 2, 0]), gy.transpose([1, 2, 0, 3]), 1, 'valid', 'NHWC', stride)
          .slice([0, 0, 0, 0], [w.shape[2], w.shape[0], w.shape[1], w.shape[3]])
          .transpose([1, 2, 0, 3]),
      ],
    }
  })
const [conv1, conv2] = [conv(1), conv(2)]

const padded = (x, before, after) =>
  x.pad([
    [0, 0],
    [before, after],
    [before, after],
    [0, 0],
  ])
/** Channels first again, as the affine layers behind expect them. */
const flattened = (x) => x.transpose([0, 3, 1, 2]).reshape([x.shape[0], -1])
const affine = (x, w, b) => tf.matMul(x, w, false, true).add(b)

const normalised = (x, axes) => {
  const centred = x.sub(x.mean(axes, true))
  return centred.mul(centred.square().mean(axes, true).add(1e-5).rsqrt())
}
const groupNorm = (x, scale, shift) => {
  const [n, h, w, c] = x.shape
  return normalised(x.reshape([n, h * w, 16, c / 16]), [1, 3])
    .reshape(x.shape)
    .mul(scale)
    .add(shift)
}
const layerNorm = (x, scale, shift) => normalised(x, [1]).mul(scale).add(shift)

const cnn = ([w1, b1, w2, b2, w3, b3, w4, b4], x) => {
  const first = tf.maxPool(
    conv2(padded(x, 3, 4), w1)
      .add(b1)
      .relu(),
    2,
    1,
    'valid',
  )
  const second = tf.maxPool(conv2(first, w2).add(b2).relu(), 2, 1, 'valid')
  return affine(affine(flattened(second), w3, b3).relu(), w4, b4)
}

const resNet = (params, image) => {
  let at = 0
  const next = () => params[at++]
  const convolved = (x, stride) => (stride === 1 ? conv1 : conv2)(padded(x, 1, 1), next())
  const norm = (x) => groupNorm(x, next(), next())
  let x = norm(convolved(image, 1)).relu()
  for (const channels of [16, 32, 64])
    for (let block = 0; block < 3; block++) {
      const own = x.shape[3]
      const stride = channels === own ? 1 : 2
      const body = norm(convolved(norm(convolved(x, stride)).relu(), 1))
      const shortcut =
        stride === 1
          ? x
          : tf.avgPool(x, 1, 2, 'valid').pad([
              [0, 0],
              [0, 0],
              [0, 0],
              [0, channels - own],
            ])
      x = body.add(shortcut).relu()
    }
  return affine(x.mean([1, 2]), next(), next())
}

const mlp = ([w1, b1, w2, b2, w3, b3], x) => affine(affine(affine(x, w1, b1).relu(), w2, b2).relu(), w3, b3)

/** One sample, [1, t, i]. */
const lstm = ([wi, wh, bi, bh, w, b], x) => {
  const [, steps, features] = x.shape
  const said = affine(x.reshape([steps, features]), wi, bi.add(bh))
  const hidden = wh.shape[1]
  let [h, c] = [tf.zeros([1, hidden]), tf.zeros([1, hidden])]
  for (const u of tf.split(said, steps)) {
    const [i, f, g, o] = tf.split(u.add(tf.matMul(h, wh, false, true)), 4, 1)
    c = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()))
    h = o.sigmoid().mul(c.tanh())
  }
  return affine(h, w, b)
}

const HEADS = 8
const gelu = (x) => x.mul(x.mul(Math.SQRT1_2).erf().add(1)).mul(0.5)
/** One sample, [1, t, e]. */
const transformer = ([n1, m1, wi, bi, wo, bo, n2, m2, w1, b1, w2, b2, w, b], input) => {
  const [, t, e] = input.shape
  const x = input.reshape([t, e])
  const byHead = (part) => part.reshape([t, HEADS, e / HEADS]).transpose([1, 0, 2])
  const [q, k, v] = tf.split(affine(layerNorm(x, n1, m1), wi, bi), 3, 1).map(byHead)
  const scores = tf.matMul(q, k, false, true).mul(1 / Math.sqrt(e / HEADS))
  const attended = tf.matMul(tf.softmax(scores), v).transpose([1, 0, 2]).reshape([t, e])
  const h = x.add(affine(attended, wo, bo))
  const y = h.add(affine(gelu(affine(layerNorm(h, n2, m2), w1, b1)), w2, b2))
  return affine(y.mean([0], true), w, b)
}

const networks = { 'mnist-cnn': cnn, 'resnet-20': resNet, mlp, lstm, transformer }

/** Filters [o, c, kh, kw] become [kh, kw, c, o], and back. */
const into = (t) => (t.rank === 4 ? t.transpose([2, 3, 1, 0]) : t)
const from = (t) => (t.rank === 4 ? t.transpose([3, 2, 0, 1]) : t)

const prepare = async (folder) => {
  await tf.setBackend('wasm')
  const { network, samples, input, classes, params, inputs, targets, ...settings } = readAll(folder)
  const model = networks[network]
  if (model === undefined) throw new Error(`the network ${network} is not written for tfjs`)
  const { l2ClipNorm, noiseMultiplier, learningRate, momentum } = settings
  let weights = params.map(({ shape, values }) => tf.keep(tf.tidy(() => into(tf.tensor(values, shape)))))
  let velocity = weights.map((w) => tf.keep(tf.zerosLike(w)))
  const batch = tf.tidy(() => {
    const x = tf.tensor(inputs, input)
    return tf.keep(x.rank === 4 ? x.transpose([0, 2, 3, 1]) : x)
  })
  const labels = tf.cast(tf.oneHot(tf.tensor1d(targets, 'int32'), classes), 'float32')
  const rows = batch.split(samples)
  const truths = labels.split(samples)
  const loss =
    (n) =>
    (...w) =>
      tf.neg(tf.sum(tf.logSoftmax(model(w, rows[n])).mul(truths[n])))
  const clippedSum = () => {
    let sum = weights.map((w) => tf.zerosLike(w))
    for (let n = 0; n < samples; n++) {
      const more = tf.tidy(() => {
        const gradients = tf.grads(loss(n))(weights)
        const norm = tf.sqrt(tf.addN(gradients.map((g) => g.square().sum())))
        const factor = tf.minimum(1, tf.div(l2ClipNorm, norm))
        return sum.map((total, i) => total.add(gradients[i].mul(factor)))
      })
      tf.dispose(sum)
      sum = more
    }
    return sum
  }
  const first = clippedSum()
  const parts = first.map((t) => tf.tidy(() => from(t).dataSync()))
  tf.dispose(first)
  const sum = new Float32Array(parts.reduce((total, { length }) => total + length, 0))
  parts.reduce((at, part) => {
    sum.set(part, at)
    return at + part.length
  }, 0)
  return {
    version: `tfjs ${tf.version['tfjs-core']}, tfjs-backend-wasm ${version_wasm} (SIMD, one thread)`,
    sum,
    step: () => {
      const gradient = clippedSum()
      const moved = tf.tidy(() =>
        velocity.map((v, i) => {
          const noise = tf.randomNormal(v.shape, 0, noiseMultiplier * l2ClipNorm)
          return v.mul(momentum).add(gradient[i].add(noise).div(samples))
        }),
      )
      const stepped = tf.tidy(() => weights.map((w, i) => w.sub(moved[i].mul(learningRate))))
      tf.dispose([gradient, weights, velocity])
      velocity = moved
      weights = stepped
      weights.at(-1).dataSync()
    },
  }
}

serve({ 'tfjs-wasm': prepare })
