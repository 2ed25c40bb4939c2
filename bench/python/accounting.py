"""ε of T Poisson-sampled Gaussian steps by dp_accounting and prv_accountant, each once: for bench/accounting.ts.

python3 accounting.py '{"sigma": 1.1, "q": 0.01, "steps": 1000, "delta": 1e-5}' [NAME TO LEAVE OUT…]

Prints a line of JSON a contender: its name, the milliseconds of CPU time that the answer took, the answer. Nothing where neither is installed.
"""
import json
import sys
import time
import warnings

warnings.filterwarnings("ignore")

cell, skipped = json.loads(sys.argv[1]), sys.argv[2:]
delta, steps = cell["delta"], int(cell["steps"])


def timed(name, run):
    if name in skipped:
        return
    try:
        before = time.process_time()
        answer = run()
        spent = 1000 * (time.process_time() - before)
    except Exception as failure:  # a peer's failure is a line of the table
        answer, spent = f"{type(failure).__name__}: {str(failure)[:80]}", None
    print(json.dumps({"name": name, "milliseconds": spent, "answer": answer}))


def google():
    import dp_accounting as d
    from dp_accounting import pld, rdp

    event = d.SelfComposedDpEvent(d.PoissonSampledDpEvent(cell["q"], d.GaussianDpEvent(cell["sigma"])), steps)

    def by(accountant):
        return lambda: f"ε ≤ {accountant().compose(event).get_epsilon(delta):.8f}"

    timed("dp_accounting, rdp", by(rdp.RdpAccountant))
    for interval in (1e-3, 1e-4):
        accountant = lambda: pld.PLDAccountant(value_discretization_interval=interval)
        timed(f"dp_accounting, pld {interval:g}", by(accountant))


def microsoft():
    from prv_accountant import PRVAccountant, PoissonSubsampledGaussianMechanism

    def run():
        mechanism = PoissonSubsampledGaussianMechanism(sampling_probability=cell["q"], noise_multiplier=cell["sigma"])
        accountant = PRVAccountant(
            prvs=[mechanism], max_self_compositions=[steps], eps_error=0.1, delta_error=delta / 1000
        )
        low, _, high = accountant.compute_epsilon(delta=delta, num_self_compositions=[steps])
        return f"ε ≤ {high:.8f}, ≥ {low:.8f}"

    timed("prv_accountant, ± 0.1", run)


for peer in (google, microsoft):
    try:
        peer()
    except ImportError:
        pass
