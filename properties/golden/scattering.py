# Known answers for src/grad/layers/scattering/: the transform of Kymatio, in double precision.
#
#   git clone https://github.com/kymatio/kymatio && PYTHONPATH=kymatio python scattering.py > scattering.json
#
# Kymatio makes its filters in single precision; the two names of dtypes below make it double.
import inspect, json
import numpy
from kymatio.scattering2d import filter_bank
from kymatio.scattering2d.backend.numpy_backend import backend
from kymatio.scattering2d.core.scattering2d import scattering2d
from kymatio.scattering2d.utils import compute_padding

source = inspect.getsource(filter_bank).replace('complex64', 'complex128').replace('float32', 'float64')
bank = {}
exec(compile(source, 'filter_bank.py', 'exec'), bank)

def image(rows, columns):
    return numpy.array([[((7 * r * r + 11 * c + 13 * r * c) % 29) / 29 for c in range(columns)] for r in range(rows)])

def transform(rows, columns, scales, angles):
    m, n = compute_padding(rows, columns, scales)
    filters = bank['filter_bank'](m, n, scales, angles)
    pad = backend.Pad([(m - rows) // 2, (m - rows + 1) // 2, (n - columns) // 2, (n - columns + 1) // 2], [rows, columns])
    out = scattering2d(image(rows, columns)[None], pad, backend.unpad, backend, scales, angles, filters['phi'], filters['psi'], 2)
    return filters, out[0]

def numbers(array, step=1):
    flat = array.reshape(-1)[::step]
    return [float(v) for v in flat]

cases = []
for rows, columns, scales, angles, step in [(28, 28, 2, 8, 23), (9, 13, 2, 8, 7), (32, 32, 2, 8, 61), (7, 6, 1, 3, 1), (24, 17, 3, 4, 11)]:
    filters, out = transform(rows, columns, scales, angles)
    psi = filters['psi'][-1]['levels'][0]
    cases.append({'rows': rows, 'columns': columns, 'scales': scales, 'angles': angles, 'step': step, 'shape': list(out.shape),
                  'coefficients': numbers(out, step),
                  'lastWavelet': numbers(psi, 37),
                  'lowPass': [numbers(level, 19) for level in filters['phi']['levels']]})
print(json.dumps({'about': 'Scattering coefficients of image[r][c] = ((7r² + 11c + 13rc) mod 29) / 29, every step-th in row-major order; the spectrum of the last wavelet (every 37th) and of the low-pass filter at each resolution (every 19th). Made by: python scattering.py > scattering.json', 'cases': cases}, ensure_ascii=False))
