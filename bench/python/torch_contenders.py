"""A step in PyTorch without privacy, and private steps by Opacus and BackPACK."""

import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from importlib.util import find_spec

import numpy as np
import torch
from torch import nn

from problem import Prepared, Problem
from torch_networks import network, ordered

torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)


def tensors(problem: Problem) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(problem.inputs), torch.from_numpy(problem.targets)


def sgd(problem: Problem, params) -> torch.optim.Optimizer:
    return torch.optim.SGD(params, lr=problem.learning_rate, momentum=problem.momentum)


def version(more: str = "") -> str:
    return f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads{more}"


def non_private(problem: Problem) -> Prepared:
    x, y = tensors(problem)
    model = network(problem.network, problem.params)
    optimizer = sgd(problem, model.parameters())
    loss = nn.CrossEntropyLoss()

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss(model(x), y).backward()
        optimizer.step()

    # One gradient a sample: slow, and what the others must agree with. Two threads are slower at so little work.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    params = ordered(model)
    total = [np.zeros(p.shape, np.float64) for p in params]
    for n in range(problem.samples):
        optimizer.zero_grad(set_to_none=True)
        loss(model(x[n : n + 1]), y[n : n + 1]).backward()
        gradient = [p.grad.double().numpy() for p in params]
        norm = float(np.sqrt(sum((g**2).sum() for g in gradient)))
        factor = min(1.0, problem.clip / norm)
        total = [sum_ + factor * g for sum_, g in zip(total, gradient)]
    torch.set_num_threads(threads)
    return Prepared(version(), total, step)


def opacus(problem: Problem, ghost: bool) -> Prepared:
    shim = ""
    if find_spec("torch.func") is None and find_spec("functorch") is not None:
        # Before PyTorch 2 the same functions were a module of another name.
        sys.modules["torch.func"] = import_module("functorch")
        shim = " (its torch.func is functorch)"
    import opacus as library
    from opacus.grad_sample import GradSampleModule

    x, y = tensors(problem)
    options = {}
    if problem.network == "lstm":
        from opacus.layers import DPLSTM

        options = {"recurrent": DPLSTM}
    plain = network(problem.network, problem.params, **options)
    plain.train()
    params = ordered(plain)
    noise = {
        "noise_multiplier": problem.noise_multiplier,
        "max_grad_norm": problem.clip,
        "expected_batch_size": problem.samples,
        "loss_reduction": "sum",
    }
    words = version(f"; Opacus {library.__version__}{shim}")
    if ghost:
        from opacus.grad_sample import GradSampleModuleFastGradientClipping
        from opacus.optimizers import DPOptimizerFastGradientClipping
        from opacus.utils.fast_gradient_clipping_utils import DPLossFastGradientClipping

        model = GradSampleModuleFastGradientClipping(
            plain, max_grad_norm=problem.clip, use_ghost_clipping=True, loss_reduction="sum"
        )
        optimizer = DPOptimizerFastGradientClipping(sgd(problem, model.parameters()), **noise)
        criterion = DPLossFastGradientClipping(
            model, optimizer, nn.CrossEntropyLoss(reduction="sum"), loss_reduction="sum"
        )

        def backward() -> None:
            optimizer.zero_grad()
            criterion(model(x), y).backward()

        backward()
        total = [p.grad.detach().numpy().copy() for p in params]
    else:
        from opacus.optimizers import DPOptimizer

        model = GradSampleModule(plain, loss_reduction="sum")
        optimizer = DPOptimizer(sgd(problem, model.parameters()), **noise)
        loss = nn.CrossEntropyLoss(reduction="sum")

        def backward() -> None:
            optimizer.zero_grad()
            loss(model(x), y).backward()

        backward()
        optimizer.clip_and_accumulate()
        total = [p.summed_grad.detach().numpy().copy() for p in params]
        optimizer.zero_grad()

    def step() -> None:
        backward()
        optimizer.step()

    step()
    return Prepared(words, total, step)


def backpack(problem: Problem) -> Prepared:
    from backpack import backpack as within
    from backpack import extend
    from backpack.extensions import BatchGrad

    try:
        words = installed("backpack-for-pytorch")
    except PackageNotFoundError:
        words = "from source"
    x, y = tensors(problem)
    model = extend(network(problem.network, problem.params))
    loss = extend(nn.CrossEntropyLoss(reduction="sum"))
    params = ordered(model)
    optimizer = sgd(problem, params)

    def clipped() -> list[torch.Tensor]:
        optimizer.zero_grad(set_to_none=True)
        with within(BatchGrad()):
            loss(model(x), y).backward()
        if any(not hasattr(p, "grad_batch") for p in params):
            raise NotImplementedError("BackPACK has no individual gradients for a layer of this network")
        squares = torch.stack([(p.grad_batch.flatten(1) ** 2).sum(1) for p in params]).sum(0)
        factor = (problem.clip / squares.sqrt()).clamp(max=1.0)
        found = [torch.einsum("n,n...->...", factor, p.grad_batch) for p in params]
        for p in params:
            del p.grad_batch
        return found

    total = [leaf.numpy().copy() for leaf in clipped()]
    deviation = problem.noise_multiplier * problem.clip

    def step() -> None:
        for p, leaf in zip(params, clipped()):
            p.grad = (leaf + deviation * torch.randn_like(leaf)) / problem.samples
        optimizer.step()

    return Prepared(version(f"; BackPACK {words}"), total, step)


CONTENDERS = {
    "pytorch-non-private": non_private,
    "opacus-hooks": lambda problem: opacus(problem, ghost=False),
    "opacus-ghost": lambda problem: opacus(problem, ghost=True),
    "backpack": backpack,
}
