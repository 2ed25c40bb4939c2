"""ε of T Poisson-sampled Gaussian steps by dp_accounting and prv_accountant, medians of CPU time: for bench/accounting.ts.

python3 accounting.py '[{"sigma": 1.1, "q": 0.01, "steps": 1000, "delta": 1e-5}]'
"""
import json
import statistics
import sys
import time
import warnings

warnings.filterwarnings("ignore")


def timed(name, run, repeats=3):
    try:
        spent = []
        for _ in range(repeats):
            before = time.process_time()
            answer = run()
            spent.append(1000 * (time.process_time() - before))
            if spent[-1] > 20_000:
                break
        print(f"{name:30s} {statistics.median(spent):10.1f} {min(spent):10.1f}  {answer}")
    except Exception as failure:  # a peer's failure is a line of the table
        print(f"{name:30s} {'':10s} {'':10s}  {type(failure).__name__}: {str(failure)[:80]}")


def google(cell):
    import dp_accounting as d
    from dp_accounting import pld, rdp

    event = d.SelfComposedDpEvent(
        d.PoissonSampledDpEvent(cell["q"], d.GaussianDpEvent(cell["sigma"])), int(cell["steps"])
    )

    def by(accountant):
        return lambda: f"ε ≤ {accountant().compose(event).get_epsilon(cell['delta']):.8f}"

    timed("dp_accounting, rdp", by(rdp.RdpAccountant))
    timed("dp_accounting, pld 1e-3", by(lambda: pld.PLDAccountant(value_discretization_interval=1e-3)))
    timed("dp_accounting, pld 1e-4", by(lambda: pld.PLDAccountant(value_discretization_interval=1e-4)))


def microsoft(cell):
    from prv_accountant import PRVAccountant, PoissonSubsampledGaussianMechanism

    def run():
        steps = int(cell["steps"])
        mechanism = PoissonSubsampledGaussianMechanism(sampling_probability=cell["q"], noise_multiplier=cell["sigma"])
        accountant = PRVAccountant(
            prvs=[mechanism], max_self_compositions=[steps], eps_error=0.1, delta_error=cell["delta"] / 1000
        )
        low, _, high = accountant.compute_epsilon(delta=cell["delta"], num_self_compositions=[steps])
        return f"ε ≤ {high:.8f}, ≥ {low:.8f}"

    timed("prv_accountant, ± 0.1", run)


found = False
for cell in json.loads(sys.argv[1]):
    print(f"σ {cell['sigma']}, q {cell['q']:.4g}, {cell['steps']:g} steps, δ {cell['delta']:g}, in Python (median, least ms)")
    for peer in (google, microsoft):
        try:
            peer(cell)
            found = True
        except ImportError:
            pass
if not found:
    print("this Python has neither dp_accounting nor prv_accountant: they are left out")
