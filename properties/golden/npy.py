"""Arrays as NumPy writes them: python npy.py > npy.json"""
import base64
import io
import json
import sys

import numpy as np


def saved(save, *arrays, **named):
    file = io.BytesIO()
    save(file, *arrays, **named)
    return base64.b64encode(file.getvalue()).decode()


arrays = {
    "float32": np.arange(6, dtype="<f4").reshape(2, 3) / 4,
    "float64, Fortran order": np.asfortranarray(np.arange(12, dtype="<f8").reshape(3, 2, 2) / 8),
    "big endian": np.array([1.5, -2.25], dtype=">f8"),
    "int64": np.array([[7], [-9]], dtype="<i8"),
    "uint8": np.array([0, 255], dtype="u1"),
    "bool": np.array([True, False]),
    "int16, big endian": np.array([-300, 2], dtype=">i2"),
    "uint32": np.array([4294967295], dtype="<u4"),
    "scalar": np.array(3.5),
    "empty": np.zeros((0, 3), "<f4"),
}
json.dump(
    {
        "source": f"numpy {np.__version__}: python npy.py > npy.json",
        "arrays": [
            {
                "name": name,
                "bytes": saved(np.save, array),
                "shape": list(array.shape),
                "values": [float(x) for x in np.ascontiguousarray(array).ravel()],
            }
            for name, array in arrays.items()
        ],
        "npz": saved(np.savez, weight=np.ones((2, 2), "<f4"), bias=np.array([1, 2], "<f8")),
        "compressed": saved(np.savez_compressed, weight=np.ones((20, 20), "<f4")),
    },
    sys.stdout,
    indent=1,
)
