"""Rényi divergences of mechanisms by definition, in 34 digits: writes rdp-mechanisms.json.

    python3 properties/golden/rdp-mechanisms.py > properties/golden/rdp-mechanisms.json
"""
import json
from mpmath import mp, mpf, exp, log, quad, inf, sqrt, pi, tanh, expm1, binomial, nsum

mp.dps = 34
ORDERS = [mpf(1) + mpf(10) ** -6, mpf('1.5'), mpf(2), mpf('4.25'), mpf(16), mpf(64)]


def divergence(ratios, order):
    """log sum over (mass under Q, P/Q) of mass ratio^order, / (order - 1)."""
    return log(sum(m * r ** order for m, r in ratios)) / (order - 1)


def both(pairs, q, order):
    """The worse direction of W beside O, sampled; pairs of (W, O) masses."""
    mixed = [((1 - q) * o + q * w, o) for w, o in pairs]
    return max(divergence([(b, a / b) for a, b in mixed], order), divergence([(a, b / a) for a, b in mixed], order))


def discrete_gaussian(sigma, sensitivity):
    reach = int(60 * sigma + 70 * sensitivity + 20)
    weight = lambda x: exp(-mpf(x) ** 2 / (2 * sigma ** 2))
    total = sum(weight(x) for x in range(-reach, reach + 1))
    return [(weight(x - sensitivity) / total, weight(x) / total) for x in range(-reach, reach + 1)]


def discrete_laplace(scale, sensitivity):
    a = 1 / scale
    mass = lambda x: tanh(a / 2) * exp(-a * abs(x))
    tail = mass(0) / (1 - exp(-a))  # all x <= 0
    inner = [(mass(x - sensitivity), mass(x)) for x in range(1, sensitivity)]
    return [(tail * exp(-a * sensitivity), tail), (tail, tail * exp(-a * sensitivity))] + inner


def pure(epsilon):
    high, low = exp(epsilon) / (1 + exp(epsilon)), 1 / (1 + exp(epsilon))
    return [(high, low), (low, high)]


def laplace(scale, q, order):
    largest = 1 / scale
    def moment(power):
        f = lambda l: (1 - q + q * exp(l)) ** power
        cuts = [-largest + 2 * largest * k / 8 for k in range(9)]
        inner = quad(lambda l: exp(-(l + largest) / 2) / 4 * f(l), cuts)
        return f(-largest) / 2 + exp(-largest) / 2 * f(largest) + inner
    return max(log(moment(order)), log(moment(1 - order))) / (order - 1)


def mixture(sigma, sensitivities, probabilities, order):
    def moment(power):
        y = lambda t: sum(p * exp(c * t / sigma - c * c / (2 * sigma ** 2)) for c, p in zip(sensitivities, probabilities))
        top = max(sensitivities) / sigma
        low, high = min(0, power * top) - 15, max(0, power * top) + 15
        h = mpf(1) / 16  # the trapezoid rule errs by exp(-2 pi d / h) for poles at distance d > pi / 4
        nodes = range(int(low / h), int(high / h) + 1)
        return h * sum(exp(-(k * h) ** 2 / 2) * y(k * h) ** power for k in nodes) / sqrt(2 * pi)
    return max(log(moment(order)), log(moment(1 - order))) / (order - 1)


def poisson_bound(rdp, q, order):
    a = int(order)
    total = (1 - q) ** (a - 1) * (a * q - q + 1)
    for j in range(2, a + 1):
        total += (1 if j == 2 else 3) * binomial(a, j) * (1 - q) ** (a - j) * q ** j * exp((j - 1) * rdp(j))
    return log(total) / (a - 1)


def fixed_size_bound(rdp, largest, q, order):
    a = int(order)
    total = 1 + binomial(a, 2) * q ** 2 * min(4 * expm1(rdp(2)), exp(rdp(2)) * min(2, expm1(largest) ** 2))
    for j in range(3, a + 1):
        total += binomial(a, j) * q ** j * exp((j - 1) * rdp(j)) * min(2, expm1(largest) ** j)
    return log(total) / (a - 1)


out = []


def record(event, at, orders=ORDERS, neighbouring='addOrRemoveOne'):
    out.append({'event': event, 'neighbouring': neighbouring, 'orders': [float(o) for o in orders],
                'rdp': [mp.nstr(at(mpf(float(o))), 20) for o in orders]})


for sigma, s in [(0.3, 1), (0.7, 2), (1, 1), (3, 5)]:
    for relation, factor in [('addOrRemoveOne', 1), ('replaceOne', 2)]:
        pairs = discrete_gaussian(mpf(sigma), s * factor)
        record({'_tag': 'DiscreteGaussian', 'sigma': sigma, 'sensitivity': s}, lambda o: both(pairs, 1, o), ORDERS[:-1], relation)
for scale, s in [(0.5, 1), (2, 1), (3, 7), (100, 1)]:
    event = {'_tag': 'DiscreteLaplace', 'scale': scale, 'sensitivity': s}
    record(event, lambda o: both(discrete_laplace(mpf(scale), s), 1, o))
    record(event, lambda o: both(discrete_laplace(mpf(scale), 2 * s), 1, o), neighbouring='replaceOne')
    for q in [0.01, 0.3]:
        record({'_tag': 'PoissonSampled', 'samplingProbability': q, 'event': event}, lambda o: both(discrete_laplace(mpf(scale), s), mpf(q), o))
for epsilon in [0.1, 1, 4]:
    for q in [0.001, 0.2, 0.9]:
        record({'_tag': 'PoissonSampled', 'samplingProbability': q, 'event': {'_tag': 'PureDp', 'epsilon': epsilon}}, lambda o: both(pure(mpf(epsilon)), mpf(q), o))
for scale in [0.2, 1, 10]:
    for q in [0.001, 0.2, 0.9]:
        record({'_tag': 'PoissonSampled', 'samplingProbability': q, 'event': {'_tag': 'Laplace', 'noiseMultiplier': scale}}, lambda o: laplace(mpf(scale), mpf(q), o))
for sigma, c, p in [(1, [0, 1], [0.9, 0.1]), (0.8, [0, 1, 2], [0.5, 0.25, 0.25]), (3, [1, 2], [0.5, 0.5]), (2, [0, 1, 2, 3], [0.729, 0.243, 0.027, 0.001])]:
    weights = [mpf(x) / sum(map(mpf, p)) for x in p]
    event = {'_tag': 'MixtureOfGaussians', 'noiseMultiplier': sigma, 'sensitivities': c, 'probabilities': p}
    record(event, lambda o: mixture(mpf(sigma), c, weights, o), ORDERS[:-1])
    record({'_tag': 'PoissonSampled', 'samplingProbability': 0.1, 'event': event},
           lambda o: mixture(mpf(sigma), [0] + c, [1 - mpf(0.1)] + [mpf(0.1) * w for w in weights], o), ORDERS[:-1])
zcdp = {'_tag': 'ZeroConcentratedDp', 'rho': 0.3, 'xi': 0}
laplace_rdp = lambda b: lambda a: log(mpf(a) / (2 * a - 1) * exp((a - 1) / b) + mpf(a - 1) / (2 * a - 1) * exp(-a / b)) / (a - 1)
for q in [0.001, 0.1]:
    integers = [mpf(2), mpf(3), mpf(8), mpf(64)]
    record({'_tag': 'PoissonSampled', 'samplingProbability': q, 'event': zcdp}, lambda o: poisson_bound(lambda j: mpf(0.3) * j, mpf(q), o), integers)
    sampled = {'_tag': 'SampledWithoutReplacement', 'datasetSize': 1000, 'batchSize': int(1000 * q)}
    fraction = mpf(int(1000 * q)) / 1000
    for b in [1, 8]:
        record({**sampled, 'event': {'_tag': 'Laplace', 'noiseMultiplier': b}},
               lambda o: fixed_size_bound(laplace_rdp(mpf(b) / 2), mpf(2) / b, fraction, o), integers, 'replaceOne')
    record({**sampled, 'event': zcdp}, lambda o: fixed_size_bound(lambda j: 4 * mpf(0.3) * j, inf, fraction, o), integers, 'replaceSpecial')
print(json.dumps(out, indent=1))
