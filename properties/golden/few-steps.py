"""log delta of two Poisson-sampled Gaussian steps, to 25 digits: `/usr/bin/python3 few-steps.py > few-steps.json` (mpmath).

    delta_2(eps) = int p(t) delta_1(eps - L(t)) dt,   delta_1(eps) = P(t > t*) - e^eps Q(t > t*)

with P = (1 - q) N(0, 1) + q N(1/sigma, 1), Q = N(0, 1), L = log dP/dQ, and t* where L = eps.
"""

import json

from mpmath import erfc, exp, expm1, inf, log, log1p, mp, mpf, nstr, pi, quad, sqrt

mp.dps = 50


def above(t):
    return erfc(t / sqrt(mpf(2))) / 2


def log_delta(sigma, q, eps):
    mu = 1 / mpf(sigma)
    q, eps = mpf(q), mpf(eps)
    kappa = q / (1 - q)

    def node(lam):
        """t at which the loss is lam above its least, log(1 - q)."""
        return (log(expm1(lam) / kappa) + mu * mu / 2) / mu

    def one(e):
        u = e - log1p(-q)
        if u <= 0:
            return -expm1(e)
        t = node(u)
        return (1 - q) * above(t) + q * above(t - mu) - exp(e) * above(t)

    def p(t):
        return ((1 - q) * exp(-t * t / 2) + q * exp(-((t - mu) ** 2) / 2)) / sqrt(2 * pi)

    def loss(t):
        return log1p(q * expm1(mu * t - mu * mu / 2))

    u = eps - 2 * log1p(-q)
    end = node(u)
    # Towards t* the argument of delta_1 falls to 0 within a sliver: ever shorter panels.
    turns = [node(u * (1 - mpf(2) ** -k)) for k in range(1, 60)]
    points = sorted([t for t in range(-16, 30) if t < end - mpf(2) ** -60] + turns) + [end]
    below = quad(lambda t: p(t) * one(eps - loss(t)), points)
    beyond = quad(lambda t: p(t) * one(eps - loss(t)), [end, end + 1, end + 3, end + 8, end + 30])
    return log(below + beyond)


cases = [(1, "1e-4", "0.01"), (1, "1e-4", "0.05"), (0.5, "0.01", "1.5"), (2, "0.001", "0.002"), (0.7, "1e-5", "0.3"), (1.3, "0.02", "0.5"), (3, "0.2", "0.4")]
print(
    json.dumps(
        [{"sigma": s, "q": float(q), "epsilon": float(e), "logDelta": float(nstr(log_delta(s, q, e), 25))} for s, q, e in cases],
        indent=1,
    )
)
