"""The private step in JAX: vmap of grad, compiled. Parameters are the list that the problem has."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from problem import Prepared, Problem


def affine(x, w, b):
    return x @ w.T + b


def conv(x, w, stride, padding):
    return lax.conv_general_dilated(
        x, w, (stride, stride), (padding, padding), dimension_numbers=("NCHW", "OIHW", "NCHW")
    )


def normalised(x, axis):
    centred = x - x.mean(axis, keepdims=True)
    return centred / jnp.sqrt((centred**2).mean(axis, keepdims=True) + 1e-5)


def group_norm(x, scale, shift):
    n, c, h, w = x.shape
    y = normalised(x.reshape(n, 16, -1), 2).reshape(x.shape)
    return y * scale[:, None, None] + shift[:, None, None]


def layer_norm(x, scale, shift):
    return normalised(x, -1) * scale + shift


def pooled(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 1, 1), "VALID")


def mnist_cnn(params, x):
    w1, b1, w2, b2, w3, b3, w4, b4 = params
    x = pooled(jax.nn.relu(conv(x, w1, 2, (3, 4)) + b1[:, None, None]))
    x = pooled(jax.nn.relu(conv(x, w2, 2, (0, 0)) + b2[:, None, None]))
    return affine(jax.nn.relu(affine(x.reshape(1, -1), w3, b3)), w4, b4)


def resnet20(params, x):
    rest = iter(params)

    def convolved(x, stride):
        return conv(x, next(rest), stride, (1, 1))

    def norm(x):
        return group_norm(x, next(rest), next(rest))

    x = jax.nn.relu(norm(convolved(x, 1)))
    for channels in (16, 32, 64):
        for _ in range(3):
            own = x.shape[1]
            stride = 1 if own == channels else 2
            body = norm(convolved(jax.nn.relu(norm(convolved(x, stride))), 1))
            shortcut = x[:, :, ::stride, ::stride]
            shortcut = jnp.pad(shortcut, ((0, 0), (0, channels - own), (0, 0), (0, 0)))
            x = jax.nn.relu(body + shortcut)
    return affine(x.mean((2, 3)), next(rest), next(rest))


def mlp(params, x):
    w1, b1, w2, b2, w3, b3 = params
    return affine(jax.nn.relu(affine(jax.nn.relu(affine(x, w1, b1)), w2, b2)), w3, b3)


def lstm(params, x):
    wi, wh, bi, bh, w, b = params

    def cell(state, said):
        h, c = state
        i, f, g, o = jnp.split(said + h @ wh.T, 4)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), None

    nothing = jnp.zeros(wh.shape[1])
    (h, _), _ = lax.scan(cell, (nothing, nothing), affine(x[0], wi, bi + bh))
    return affine(h[None], w, b)


def transformer(params, x, heads=8):
    n1, m1, wi, bi, wo, bo, n2, m2, w1, b1, w2, b2, w, b = params
    x = x[0]
    t, e = x.shape
    q, k, v = (
        part.reshape(t, heads, -1).swapaxes(0, 1)
        for part in jnp.split(affine(layer_norm(x, n1, m1), wi, bi), 3, -1)
    )
    weights = jax.nn.softmax(q @ k.swapaxes(1, 2) * (e // heads) ** -0.5)
    h = x + affine((weights @ v).swapaxes(0, 1).reshape(t, e), wo, bo)
    y = h + affine(jax.nn.gelu(affine(layer_norm(h, n2, m2), w1, b1), approximate=False), w2, b2)
    return affine(y.mean(0, keepdims=True), w, b)


NETWORKS = {
    "mnist-cnn": mnist_cnn,
    "resnet-20": resnet20,
    "mlp": mlp,
    "lstm": lstm,
    "transformer": transformer,
}


def prepare(problem: Problem) -> Prepared:
    model = NETWORKS[problem.network]
    x, y = jnp.asarray(problem.inputs), jnp.asarray(problem.targets)

    def loss(params, image, label):
        return -jax.nn.log_softmax(model(params, image[None])[0])[label]

    @jax.jit
    def clipped(params):
        gradients = jax.vmap(jax.grad(loss), (None, 0, 0))(params, x, y)
        squares = sum((g.reshape(len(g), -1) ** 2).sum(1) for g in gradients)
        factor = jnp.minimum(1, problem.clip / jnp.sqrt(squares))
        return [jnp.tensordot(factor, g, 1) for g in gradients]

    @jax.jit
    def stepped(key, params, velocity):
        key, *keys = jax.random.split(key, len(params) + 1)
        deviation = problem.noise_multiplier * problem.clip
        noisy = [g + deviation * jax.random.normal(k, g.shape) for k, g in zip(keys, clipped(params))]
        velocity = [problem.momentum * v + g / problem.samples for v, g in zip(velocity, noisy)]
        return key, [p - problem.learning_rate * v for p, v in zip(params, velocity)], velocity

    params = [jnp.asarray(leaf) for leaf in problem.params]
    total = [np.asarray(leaf) for leaf in clipped(params)]
    state = [(jax.random.PRNGKey(0), params, [jnp.zeros_like(p) for p in params])]

    def step() -> None:
        state[0] = jax.block_until_ready(stepped(*state[0]))

    return Prepared(f"JAX {jax.__version__}", total, step)
