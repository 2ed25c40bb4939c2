"""epsilon of T Poisson-sampled Gaussian steps (removing a record) with 34 digits, by the trapezoid rule on a line.

python3 contour.py SIGMA Q T DELTA C H N START      (needs mpmath)
  0.001946805485652617272509619311625 = 10 0.0001 10000 1e-5 500 60 200 0.0019468
  2.381411303709284691215861553738469 = 1.1 0.004266666666666667 14060 1e-5 4 0.5 120 2.3814
C is the abscissa, H the step, N the number of points, START a guess; the first line printed is the size of the last term.
"""
import sys
from mpmath import exp, expm1, findroot, log, log1p, mp, mpc, mpf, pi, sqrt

mp.dps = 34
sigma, q, delta, c, h, start = (mpf(sys.argv[i]) for i in (1, 2, 4, 5, 6, 8))
steps, points = int(sys.argv[3]), int(sys.argv[7])
inner = mpf(1) / 12
low, high = mpf(-13), (c + 1) / sigma + 13
nodes = []
for k in range(int((high - low) / inner) + 1):
    t = low + k * inner
    loss = log1p(q * expm1(t / sigma - 1 / (2 * sigma * sigma)))
    nodes.append((loss, inner * exp(-t * t / 2 + (c + 1) * loss) / sqrt(2 * pi)))
moments = [sum((w * exp(mpc(0, k * h * loss)) for loss, w in nodes), mpc(0)) for k in range(points)]


def log_delta(epsilon):
    total = mpf(0)
    for k, moment in enumerate(moments):
        s = mpc(c, k * h)
        term = (exp(steps * log(moment) - s * epsilon) / (s * (s + 1))).real
        total += term / 2 if k == 0 else term
    return log(total * h / pi)


print((abs(moments[-1]) / abs(moments[0])) ** steps)
print(findroot(lambda e: log_delta(e) - log(delta), (start, start * (1 + mpf(10) ** -6))))
