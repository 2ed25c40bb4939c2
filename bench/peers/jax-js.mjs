/**
 * The private step in jax-js on its WebAssembly backend: vmap of grad, compiled, or where that fails a loop over samples of a compiled
 * gradient. Arrays are owned: an operation consumes its operands, unless they are handed over as `x.ref`.
 */
// jax-js asks a browser for its adapter as it starts; Node 20 has no navigator.
globalThis.navigator ??= {}
const {
  blockUntilReady,
  defaultDevice,
  grad,
  init,
  jit,
  lax,
  nn,
  numpy: np,
  random,
  scipySpecial,
  vmap,
} = await import('@jax-js/jax')

import { readAll, serve } from '../serve.mjs'

const affine = (x, w, b) => np.matmul(x, np.transpose(w)).add(b)
const conv = (x, w, stride, padding) => lax.convGeneralDilated(x, w, [stride, stride], [padding, padding])

/** Maxima of windows of 2 × 2 at stride 1, of [n, c, h, w]. */
const pooled = (x) => {
  const [h, w] = x.shape.slice(2)
  const part = (i, j, y) => y.slice([], [], [i, h - 1 + i], [j, w - 1 + j])
  return np.maximum(np.maximum(part(0, 0, x.ref), part(0, 1, x.ref)), np.maximum(part(1, 0, x.ref), part(1, 1, x)))
}

const normalised = (x, axis) => {
  const centred = x.ref.sub(np.mean(x, axis, { keepdims: true }))
  const variance = np.mean(np.square(centred.ref), axis, { keepdims: true })
  return centred.div(np.sqrt(variance.add(1e-5)))
}
const groupNorm = (x, scale, shift) => {
  const [n, c, h, w] = x.shape
  const y = normalised(x.reshape([n, 16, (c / 16) * h * w]), 2).reshape([n, c, h, w])
  return y.mul(scale.reshape([1, c, 1, 1])).add(shift.reshape([1, c, 1, 1]))
}
const layerNorm = (x, scale, shift) => normalised(x, 1).mul(scale).add(shift)

const cnn = ([w1, b1, w2, b2, w3, b3, w4, b4], x) => {
  const first = pooled(nn.relu(conv(x, w1, 2, [3, 4]).add(b1.reshape([1, 16, 1, 1]))))
  const second = pooled(nn.relu(conv(first, w2, 2, [0, 0]).add(b2.reshape([1, 32, 1, 1]))))
  return affine(nn.relu(affine(second.reshape([1, 512]), w3, b3)), w4, b4)
}

const resNet = (params, image) => {
  let at = 0
  const next = () => params[at++]
  const convolved = (x, stride) => conv(x, next(), stride, [1, 1])
  const norm = (x) => groupNorm(x, next(), next())
  let x = nn.relu(norm(convolved(image, 1)))
  let own = 16
  for (const channels of [16, 32, 64])
    for (let block = 0; block < 3; block++) {
      const stride = channels === own ? 1 : 2
      const body = norm(convolved(nn.relu(norm(convolved(x.ref, stride))), 1))
      // Every second pixel, with channels of zeros behind.
      const half = x.shape[2] / 2
      const shortcut =
        stride === 1
          ? x
          : np.pad(x.reshape([1, own, half, 2, half, 2]).slice([], [], [], 0, [], 0), [
              [0, 0],
              [0, channels - own],
              [0, 0],
              [0, 0],
            ])
      own = channels
      x = nn.relu(body.add(shortcut))
    }
  return affine(np.mean(x, [2, 3]), next(), next())
}

const mlp = ([w1, b1, w2, b2, w3, b3], x) => affine(nn.relu(affine(nn.relu(affine(x, w1, b1)), w2, b2)), w3, b3)

const lstm = ([wi, wh, bi, bh, w, b], x) => {
  const [, steps, features] = x.shape
  const hidden = wh.shape[1]
  const said = affine(x.reshape([steps, features]), wi, bi.add(bh))
  const whT = np.transpose(wh)
  let [h, c] = [np.zeros([1, hidden]), np.zeros([1, hidden])]
  for (let t = 0; t < steps; t++) {
    const u = said.ref.slice([t, t + 1], []).add(np.matmul(h, whT.ref))
    const gate = (index, v) => v.slice([], [index * hidden, (index + 1) * hidden])
    const [i, f, g, o] = [gate(0, u.ref), gate(1, u.ref), gate(2, u.ref), gate(3, u)]
    c = nn
      .sigmoid(f)
      .mul(c)
      .add(nn.sigmoid(i).mul(np.tanh(g)))
    h = nn.sigmoid(o).mul(np.tanh(c.ref))
  }
  said.dispose()
  whT.dispose()
  c.dispose()
  return affine(h, w, b)
}

const HEADS = 8
const gelu = (x) => x.ref.mul(scipySpecial.erf(x.mul(Math.SQRT1_2)).add(1)).mul(0.5)
const transformer = ([n1, m1, wi, bi, wo, bo, n2, m2, w1, b1, w2, b2, w, b], input) => {
  const [, t, e] = input.shape
  const x = input.reshape([t, e])
  const qkv = affine(layerNorm(x.ref, n1, m1), wi, bi)
  const part = (index, y) =>
    y
      .slice([], [index * e, (index + 1) * e])
      .reshape([t, HEADS, e / HEADS])
      .transpose([1, 0, 2])
  const [q, k, v] = [part(0, qkv.ref), part(1, qkv.ref), part(2, qkv)]
  const scores = np.matmul(q, k.transpose([0, 2, 1])).mul(1 / Math.sqrt(e / HEADS))
  const attended = np.matmul(nn.softmax(scores, -1), v).transpose([1, 0, 2]).reshape([t, e])
  const h = x.add(affine(attended, wo, bo))
  const y = h.ref.add(affine(gelu(affine(layerNorm(h, n2, m2), w1, b1)), w2, b2))
  return affine(np.mean(y, 0, { keepdims: true }), w, b)
}

const networks = { 'mnist-cnn': cnn, 'resnet-20': resNet, mlp, lstm, transformer }

const prepare = async (folder) => {
  await init('wasm')
  defaultDevice('wasm')
  const { network, samples, input, classes, params, inputs, targets, ...settings } = readAll(folder)
  const model = networks[network]
  if (model === undefined) throw new Error(`the network ${network} is not written for jax-js`)
  const { l2ClipNorm, noiseMultiplier, learningRate, momentum } = settings
  const share = (list) => list.map((a) => a.ref)
  let weights = params.map(({ shape, values }) => np.array(values).reshape(shape))
  let velocity = params.map(({ shape }) => np.zeros(shape))
  const batch = np.array(inputs).reshape(input)
  const truth = new Float32Array(samples * classes)
  targets.forEach((target, n) => {
    truth[n * classes + target] = 1
  })
  const labels = np.array(truth).reshape([samples, classes])

  /** The loss of one sample, which has no axis of its own. */
  const loss = (w, x, y) =>
    nn
      .logSoftmax(model(w, x.reshape([1, ...input.slice(1)])).reshape([classes]))
      .mul(y)
      .sum()
      .neg()
  const gradientOf = grad(loss)
  const clipped = (g, axes) => {
    const squared = g.map((leaf) => np.square(leaf.ref).sum(axes(leaf))).reduce((a, b) => a.add(b))
    return [g, np.minimum(1, np.divide(l2ClipNorm, np.sqrt(squared)))]
  }
  const rest = (leaf) => leaf.shape.map((_, axis) => axis).slice(1)
  const together = jit((w, x, y) => {
    const [g, factor] = clipped(vmap(gradientOf, [null, 0, 0])(w, x, y), rest)
    const sums = g.map((leaf) => {
      const { shape } = leaf
      const flat = leaf.reshape([samples, shape.slice(1).reduce((a, b) => a * b, 1)])
      return np.matmul(factor.ref, flat).reshape(shape.slice(1))
    })
    factor.dispose()
    return sums
  })
  const one = jit((w, x, y, sum) => {
    const [g, factor] = clipped(gradientOf(w, x, y), (leaf) => leaf.shape.map((_, axis) => axis))
    const more = sum.map((total, i) => total.add(g[i].mul(factor.ref)))
    factor.dispose()
    return more
  })
  const apart = async (count) => {
    let sum = params.map(({ shape }) => np.zeros(shape))
    // What is not waited for keeps its memory.
    for (let n = 0; n < count; n++)
      sum = await blockUntilReady(one(share(weights), batch.ref.slice(n), labels.ref.slice(n), sum))
    return sum
  }
  const freed = (sum) => {
    for (const leaf of sum) leaf.dispose()
  }
  const timed = async (run) => {
    freed(await blockUntilReady(await run())) // the first time compiles
    const began = performance.now()
    freed(await blockUntilReady(await run()))
    return performance.now() - began
  }
  const ways = [
    { name: 'vmap of grad, jit', run: () => together(share(weights), batch.ref, labels.ref), time: timed },
    {
      name: 'a loop over samples of grad, jit',
      run: () => apart(samples),
      time: async () => samples * (await timed(() => apart(1))),
    },
  ]

  // What vmap could not allocate would be missing to the loop.
  const gradients = 4 * samples * params.reduce((total, { values }) => total + values.length, 0)
  const possible = gradients > 2 ** 30 ? ways.slice(1) : ways

  /** The faster of the ways that work. */
  let best
  for (const { name, run, time } of possible)
    try {
      const ms = await time(run)
      if (best === undefined || ms < best.ms) best = { name, run, ms }
    } catch (error) {
      console.error(`jax-js, ${network}, ${name}: ${error.message}`)
    }
  if (best === undefined) throw new Error('neither vmap of grad nor a loop over samples works')
  const found = await blockUntilReady(await best.run())
  const parts = []
  for (const leaf of found) parts.push(await leaf.data())
  const sum = new Float32Array(parts.reduce((total, { length }) => total + length, 0))
  parts.reduce((at, part) => {
    sum.set(part, at)
    return at + part.length
  }, 0)

  let t = 0
  const update = jit((w, v, g, noise) => {
    const moved = v.map((leaf, i) => leaf.mul(momentum).add(g[i].add(noise[i]).mul(1 / samples)))
    return [w.map((leaf, i) => leaf.sub(moved[i].ref.mul(learningRate))), moved]
  })
  return {
    version: `jax-js 0.1.25 (wasm), ${best.name}`,
    sum,
    step: async () => {
      const gradient = await best.run()
      const noise = params.map(({ shape }) => random.normal(random.key(t++), shape).mul(noiseMultiplier * l2ClipNorm))
      ;[weights, velocity] = update(weights, velocity, gradient, noise)
      await blockUntilReady([weights, velocity])
    },
  }
}

serve({ 'jax-js': prepare })
