"""Contenders in Python for bench/run.ts: `python3 contenders.py [threads]`, asked line by line on standard input."""

from problem import Prepared, Problem, serve


def of_torch(name: str):
    def prepare(problem: Problem) -> Prepared:
        from torch_contenders import CONTENDERS

        return CONTENDERS[name](problem)

    return prepare


def jax(problem: Problem) -> Prepared:
    from jax_contender import prepare

    return prepare(problem)


TORCH = ("pytorch-non-private", "opacus-hooks", "opacus-ghost", "backpack")

if __name__ == "__main__":
    serve({**{name: of_torch(name) for name in TORCH}, "jax": jax})
