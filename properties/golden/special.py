# Known answers for src/tensor/special.ts and the closed forms around it, at float64 arguments.
#
#   python -m venv venv && venv/bin/pip install mpmath && venv/bin/python special.py > special.json
import json, math, random
from mpmath import mp, mpf, erfc, exp, log, loggamma, ncdf, sqrt, binomial, log1p, expm1
mp.dps = 60
random.seed(7)
out = lambda v: mp.nstr(v, 25)
def erfcx_(x): return exp(x * x) * erfc(x)
def log_ndtr(x):
    return log(erfc(-x / sqrt(mpf(2))) / 2) if x < 8 else log1p(-erfc(x / sqrt(mpf(2))) / 2)
def grid(points): return sorted(set(float(p) for p in points))
cases = {}
def add(name, f, xs): cases[name] = [{'x': x, 'value': out(f(mpf(x)))} for x in xs]
u = random.uniform
add('erfc', erfc, grid([0, 5e-324, 1e-300, 1e-17, 1e-8, .1, .5, 1, 2, 5, 10, 20, 26, 26.5, -1e-8, -.5, -1, -3, -6] + [u(-3, 3) for _ in range(25)] + [u(3, 26.5) for _ in range(40)]))
add('erfcx', erfcx_, grid([0, 1e-300, 1e-8, .1, .5, 1, 2, 2.5, 5, 6.28, 6.29, 10, 26, 50, 1e3, 1e5, 9e7, 1.1e8, 1e20, -1e-8, -.1, -1, -5, -20, -26] + [u(-26, 0) for _ in range(20)] + [u(0, 7) for _ in range(40)] + [10 ** u(0, 9) for _ in range(15)]))
add('logNdtr', log_ndtr, grid([0, 1e-300, 1e-10, -1e-10, .1, -.1, 1, -1, 5, -5, 10, -10, 20, 30, 37, -30, -37.6, -38.5, -100, -1e3, -1e6, -1e100] + [u(-6, 6) for _ in range(40)] + [u(6, 37) for _ in range(20)] + [-10 ** u(.5, 4) for _ in range(20)]))
add('ndtr', lambda x: ncdf(x), grid([0, 1, -1, 5, -5, -10, -20, -30, -37, 3, 8] + [u(-37, 4) for _ in range(30)]))
add('lgamma', loggamma, grid([5e-324, 1e-300, 1e-20, 1e-5, .1, .25, .49999, .5, .75, .9, .99, .9999, 1 - 1e-10, 1 - 2**-53, 1, 1 + 2**-52, 1 + 1e-10, 1.0001, 1.01, 1.1, 1.25, 1.4616321449683622, 1.49999, 1.5, 1.75, 1.9, 1.99, 2 - 1e-10, 2 - 2**-52, 2, 2 + 2**-51, 2 + 1e-10, 2.0001, 2.01, 2.25, 2.49999, 2.5, 2.50001, 3, 4, 5.5, 9.99, 10, 10.01, 20, 50, 171, 1000, 1e5, 1e10, 9.9e16, 1.1e17, 1e100, 1e300, 2.5e305] + [u(0, 3) for _ in range(60)] + [u(3, 30) for _ in range(30)] + [10 ** u(1, 12) for _ in range(20)]))
add('log1mexp', lambda x: log(-expm1(-x)) if x < 1 else log1p(-exp(-x)), grid([1e-300, 1e-10, .1, .69, .7, 1, 10, 36, 40, 700] + [10 ** u(-5, 2) for _ in range(20)]))
add('logExpm1', lambda x: log(expm1(x)) if x < 40 else x + log1p(-exp(-x)), grid([1e-300, 1e-10, .1, .4999, .5, .5001, .69, math.log(2) * (1 - 1e-9), math.log(2) - 2**-52, math.log(2), math.log(2) + 2**-53, math.log(2) * (1 + 1e-9), .6932, .7, .9, .9999, 1, 1.0001, 2, 10, 35.9, 36.1, 100, 700, 1e5]))
cases['logComb'] = [{'n': n, 'k': k, 'value': out(log(binomial(n, k)))} for n, k in [(5, 2), (10, 5), (64, 3), (64, 32), (512, 2), (512, 256), (1024, 31), (1024, 500), (100000, 2), (100000, 50000), (10**9, 5), (10**9, 1000)]]
mills = lambda x: sqrt(mp.pi / 2) * exp(x * x / 2) * erfc(x / sqrt(mpf(2)))
add('millsRatio', mills, grid([0, .1, 1, 5, 30, 1e4, -1, -5, -20, -36] + [u(-36, 40) for _ in range(20)]))

def log_delta(mu, e):
    mp.dps = 400
    mu, e = mpf(mu), mpf(e)
    d = ncdf(mu / 2 - e / mu) - exp(e) * ncdf(-mu / 2 - e / mu)
    v = log(d)
    mp.dps = 60
    return v
def rdp_laplace(b, a):
    b, a = mpf(b), mpf(a)
    return 1 / b + expm1(-1 / b) if a == 1 else log(a / (2 * a - 1) * exp((a - 1) / b) + (a - 1) / (2 * a - 1) * exp(-a / b)) / (a - 1)
def rdp_pure(e, a):
    e, a = mpf(e), mpf(a)
    sinh = mp.sinh
    return e * mp.tanh(e / 2) if a == 1 else log((sinh(a * e) - sinh((a - 1) * e)) / sinh(e)) / (a - 1)
def rdp_sampled(s, q, a):
    s, q, a = mpf(s), mpf(q), mpf(a)
    def total(h):
        lo, hi = -18, a / s + 18
        k, top, acc = int(mp.floor(lo / h)), int(mp.ceil(hi / h)), mpf(0)
        while k <= top:
            t = k * h
            w = exp(-t * t / 2)
            r = 1 - q + q * exp(t / s - 1 / (2 * s * s))
            acc += w * (r * log(r) - r + 1 if a == 1 else r ** a - 1 - a * (r - 1))
            k += 1
        acc *= h / sqrt(2 * mp.pi)
        return acc if a == 1 else log1p(acc) / (a - 1)
    h = min(mpf('0.1'), s / 7)
    coarse, fine = total(h), total(h * mpf('0.77'))
    assert abs(coarse - fine) <= mpf(10) ** -18 * abs(fine), (s, q, a, coarse, fine)
    return fine
cases['logDeltaOfGdp'] = [{'mu': m, 'epsilon': e, 'value': out(log_delta(m, e))} for m in [1e-6, 1e-3, .02, .1, .3, .4999, .5, .7, 1, 1.1, 3, 10, 40, 300] for e in [0, 1e-9, 1e-3, .1, 1, 7, 40] if e / m < 90]
cases['laplaceRdp'] = [{'scale': b, 'order': a, 'value': out(rdp_laplace(b, a))} for b in [.05, .5, 1, 1.9, 2.1, 10, 1e3, 1e6] for a in [1, 1 + 2**-30, 1.01, 1.5, 2, 10, 300, 1e5]]
cases['pureDpRdp'] = [{'epsilon': e, 'order': a, 'value': out(rdp_pure(e, a))} for e in [1e-6, 1e-3, .1, 1, 10, 50] for a in [1, 1 + 2**-30, 1.01, 1.5, 2, 10, 300, 1e4]]
mp.dps = 40
cases['sampledGaussianRdp'] = [{'sigma': s, 'q': q, 'order': a, 'value': out(rdp_sampled(s, q, a))} for s, q, a in [
    (.02, .01, 1), (.02, .01, 1.5), (.02, .3, 3), (.03, 1e-6, 1.001), (.04, .01, 2), (.045, .01, 1.1), (.048, .5, 1.3), (.05, .01, 1.5), (.052, .01, 1.02), (.055, .1, 1), (.06, 1e-6, 1.01), (.08, .99, 2),
    (.1, 1e-6, 1 + 2**-30), (.2, 1e-6, 4), (.2, .999999, 7), (.3, 1e-3, 1 + 2**-40), (.5, 1e-6, 9.7), (.5, .9, 1.001), (.7, .01, 4.4), (.9, 1e-6, 20), (1, 1e-9, 30), (1, .5, 300), (1, 1e-6, 1 + 2**-30), (1, .9999, 2.5),
    (1.1, .00426, 17.3), (3, 1e-6, 100), (3, 1e-3, 60), (3, 1e-3, 1000), (10, 1e-6, 1500), (10, .01, 1e4), (30, 1e-4, 5000), (100, 1e-6, 1e5), (100, .5, 3), (1000, 1e-6, 1e4), (1000, .01, 1e5), (1e6, 1e-3, 1e6)]]
def rdp_without_replacement(s, q, a):
    s, q = mpf(s), mpf(q)
    e = lambda j: mpf(j) / (2 * s * s)
    b = lambda l: sum((-1) ** i * binomial(l, i) * exp(mpf(i) * (i - 1) / (2 * s * s)) for i in range(l + 1))
    moment = 1 + binomial(a, 2) * q ** 2 * min(4 * (exp(e(2)) - 1), 2 * exp(e(2)))
    for j in range(3, a + 1):
        moment += binomial(a, j) * q ** j * min(4 * sqrt(b(2 * (j // 2)) * b(2 * ((j + 1) // 2))), 2 * exp((j - 1) * e(j)))
    return log(moment) / (a - 1)
mp.dps = 400
cases['withoutReplacementRdp'] = [{'sigma': s, 'q': q, 'order': a, 'value': out(rdp_without_replacement(s, q, a))} for s in [.3, 1, 4, 10, 100] for q in [1e-4, .1, .5] for a in [2, 3, 16, 65]]
mp.dps = 60
def log_ndtri(l):
    l = mpf(l)
    if l < -1e5:  # x^2 = -2l - log 2 pi x^2 + 2 log(1 - 1/x^2 + 3/x^4 - ...)
        x = sqrt(-2 * l)
        for _ in range(60):
            y = x ** -2
            x = sqrt(-2 * l - log(2 * mp.pi) - 2 * log(x) + 2 * log(1 - y * (1 - 3 * y * (1 - 5 * y * (1 - 7 * y * (1 - 9 * y * (1 - 11 * y * (1 - 13 * y))))))))
        return -x
    upper = l > mpf('-0.693')  # then 1 - p keeps its digits
    target = log(-expm1(l)) if upper else l
    x = -sqrt(-2 * target) if target < -1 else mpf(-0.1)
    for _ in range(200):
        tail = erfc(-x / sqrt(mpf(2))) / 2
        step = (log(tail) - target) * tail / (exp(-x * x / 2) / sqrt(2 * mp.pi))
        x -= step
        if abs(step) < mpf(10) ** -50 * abs(x):
            break
    return -x if upper else x
logs = grid([-5e-324, -1e-300, -1e-100, -1e-17, -1e-8, -.01, -.05, -.0779, -.0781, -.3, -.6, -.69, -.6931471805599453, -.6931471805599454, -.6931, -.7, -1, -2, -2.589, -2.591, -5, -20, -36, -300, -675, -677, -700, -745, -800, -1e3, -1e4, -1e6, -1e9, -1e15, -1e30, -1e100, -1e300] + [-10 ** (-8 + 16 * i / 40) for i in range(41)])
cases['logNdtri'] = [{'x': l, 'value': out(log_ndtri(l))} for l in logs]
cases['logComb'] += [{'n': n, 'k': k, 'value': out(log(binomial(n, k)))} for n, k in [(62, 31), (63, 31), (100, 31), (100, 50), (1000, 40), (1000, 960), (10000, 31), (10000, 5000), (10**6, 100), (10**6, 10**5), (10**6, 500000), (10**9, 31), (10**12, 40), (10**15, 35), (2 * 10**9, 1000)]]
print(json.dumps({'about': 'Special functions, the Gaussian hockey-stick divergence and Renyi divergences at float64 arguments; arithmetic of 40 digits or more (mpmath), rounded to 25. Made by: python special.py > special.json', **cases}, indent=0))
