"""A file as the safetensors library writes it, in the names of a PyTorch state dictionary:
python model-file.py > model-file.json

The model: Sequential(Conv2d(1, 2, 2), ReLU, Flatten, Linear(8, 3)) on inputs of [1, 3, 3].
"""
import base64
import json
import sys

import numpy as np
import safetensors
from safetensors.numpy import save

tensors = {
    "0.weight": np.arange(8, dtype=np.float32).reshape(2, 1, 2, 2),
    "0.bias": np.array([0.5, -0.5], dtype=np.float32),
    "3.weight": np.arange(24, dtype=np.float32).reshape(3, 8) / 8,
    "3.bias": np.array([1, 2, 3], dtype=np.float32),
}
json.dump(
    {
        "source": f"safetensors {safetensors.__version__}: python model-file.py > model-file.json",
        "bytes": base64.b64encode(save(tensors, {"format": "pt"})).decode(),
        "values": {name: array.ravel().tolist() for name, array in tensors.items()},
    },
    sys.stdout,
    indent=1,
)
