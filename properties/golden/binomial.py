"""Tails of binomial laws, Clopper-Pearson bounds and normal quantiles to 40 digits: python binomial.py > binomial.json"""
import json
from mpmath import mp, mpf, binomial, log, exp, erfinv, sqrt, findroot, nstr

mp.dps = 300


def mass(n, k, x):
    p, q = 1 / (1 + exp(-x)), 1 / (1 + exp(x))
    return binomial(n, k) * p**k * q ** (n - k)


def tail(n, k, x):
    return sum(mass(n, j, x) for j in range(k, n + 1))


def upper(n, k, a):
    """p with P[Bin(n, p) <= k] = a."""
    def excess(x):
        return log(sum(mass(n, j, x) for j in range(k + 1)) / a)
    guess = log((k + 1) / mpf(n - k)) + 1
    x = findroot(excess, (guess, guess + mpf(1) / 2), tol=mpf(10) ** -40)
    return 1 / (1 + exp(-x))


cases = [(1, 1, "0"), (2, 1, "0.5"), (10, 9, "2"), (100, 60, "0"), (100, 99, "1"), (100, 3, "-4"), (1000, 700, "0.5"),
         (1000, 500, "0"), (1000, 731, "1"), (1000, 732, "1"), (1000, 20, "-7"), (2000, 1990, "3"), (2000, 1999, "9"),
         (2000, 1000, "-2"), (3000, 2700, "2.2"), (1000, 999, "30"),
         (9, 8, "260.25"), (139, 25, "0.5"), (500, 443, "3.5"), (2500, 40, "-4.75"), (2500, 1260, "0"), (25, 3, "-12.5"),
         (300, 300, "-300"), (40, 0, "1"), (1500, 1, "-600"), (3000, 1500, "0.75")]
bounds = [(100, 0, "0.05"), (100, 5, "0.05"), (1000, 50, "0.025"), (1000, 999, "0.01"), (10, 3, "0.001"), (500, 250, "1e-6")]
quantiles = ["1e-300", "1e-30", "1e-5", "0.0749", "0.0751", "0.3", "0.5000001", "0.9", "0.9251", "0.9999"]
print(json.dumps({
    "about": __doc__,
    "tails": [{"trials": n, "successes": k, "logOdds": float(x), "logTail": nstr(log(tail(n, k, mpf(float(x)))), 25),
               "logMass": nstr(log(mass(n, k, mpf(float(x)))), 25)} for n, k, x in cases],
    "bounds": [{"trials": n, "successes": k, "significance": float(a), "upper": nstr(upper(n, k, mpf(float(a))), 25)} for n, k, a in bounds],
    "quantiles": [{"p": float(p), "ndtri": nstr(sqrt(mpf(2)) * erfinv(2 * mpf(float(p)) - 1) if float(p) > 1e-20 else
                   findroot(lambda x: mp.log(mp.erfc(-x / sqrt(mpf(2))) / 2) - log(mpf(float(p))), -sqrt(-2 * log(mpf(float(p)))) + 1), 25)} for p in quantiles],
}, indent=1))
