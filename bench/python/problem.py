"""The problem of a row as bench/problem.ts writes it, and the protocol of bench/serve.mjs: a line in, a line out."""

import json
import os
import resource
import sys
import time
from dataclasses import dataclass
from typing import Any, Callable

import numpy as np


@dataclass(frozen=True)
class Problem:
    network: str
    samples: int
    classes: int
    clip: float
    noise_multiplier: float
    learning_rate: float
    momentum: float
    params: list[np.ndarray]
    inputs: np.ndarray
    targets: np.ndarray


def read(folder: str) -> Problem:
    with open(os.path.join(folder, "problem.json"), encoding="utf8") as file:
        words = json.load(file)
    numbers = np.fromfile(os.path.join(folder, "params.f32"), np.float32)
    sizes = [int(np.prod(shape)) for shape in words["shapes"]]
    parts = np.split(numbers, np.cumsum(sizes)[:-1])
    return Problem(
        network=words["network"],
        samples=words["samples"],
        classes=words["classes"],
        clip=words["l2ClipNorm"],
        noise_multiplier=words["noiseMultiplier"],
        learning_rate=words["learningRate"],
        momentum=words["momentum"],
        params=[part.reshape(shape) for part, shape in zip(parts, words["shapes"])],
        inputs=np.fromfile(os.path.join(folder, "input.f32"), np.float32).reshape(words["input"]),
        targets=np.fromfile(os.path.join(folder, "target.i32"), np.int32).astype(np.int64),
    )


@dataclass(frozen=True)
class Prepared:
    version: str
    sum: list[np.ndarray]
    step: Callable[[], Any]


def serve(contenders: dict[str, Callable[[Problem], Prepared]]) -> None:
    """Answers each line of standard input; what fails is one sentence."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf8")
    os.dup2(2, 1)  # whatever a library prints goes to standard error
    prepared: Prepared | None = None
    for line in sys.stdin:
        question = json.loads(line)
        try:
            if "prepare" in question:
                folder, name = question["prepare"], question["contender"]
                prepared = contenders[name](read(folder))
                flat = np.concatenate([np.asarray(leaf, np.float32).ravel() for leaf in prepared.sum])
                flat.tofile(os.path.join(folder, f"{name}.f32"))
                answer = {"version": prepared.version}
            else:
                began = time.perf_counter()
                for _ in range(question["steps"]):
                    prepared.step()
                milliseconds = 1000 * (time.perf_counter() - began) / question["steps"]
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
                answer = {"ms": milliseconds, "bytes": peak}
        except ModuleNotFoundError as error:
            answer = {"failed": f"not installed: {sys.executable} has no {error.name}"}
        except Exception as error:  # one sentence, whatever it is
            answer = {"failed": f"{type(error).__name__}: {error}".split("\n", maxsplit=1)[0][:300]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
