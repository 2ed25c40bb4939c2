// `node loss-accounting.mjs accounting.json > loss-accounting.json`: a part of a file of accounting records that takes seconds to check.
import { readFileSync } from 'node:fs'

const { about, records } = JSON.parse(readFileSync(process.argv[2], 'utf8'))
/** Of the records whose name begins so, one in so many. */
const parts = [
  ['truth.', 149],
  ['extreme.', 5],
  ['replace.', 7],
  ['prv.', 197],
  ['rr.', 6],
  ['kov.hetero', 4],
  ['laplace.delta', 7],
  ['pld.laplace', 5],
  ['pld.discrete', 4],
  ['pld.mog', 3],
  ['pld.trunc', 9],
  ['google.', 9],
]
const kinds = new Set(
  (
    'prv pld composition_heterogeneous randomized_response laplace discrete_laplace discrete_gaussian mixture_gaussian ' +
    'pld_connect_dots pld_optimistic pld_bounds privacy_loss inverse_privacy_loss'
  ).split(' '),
)
const chosen = parts.flatMap(([prefix, every]) =>
  records
    .filter(({ id, kind }) => id.startsWith(prefix) && kinds.has(kind))
    .filter(({ id, inputs }) => !id.includes('mixture_gaussian_varying') && !(inputs.steps > 2e4))
    .filter((_, i) => i % every === 0),
)
/** All records whose name begins so: calibrations and error rates by the same accountants, the central limit, refuted dots. */
const whole = [
  'google.discrete_gaussian_from_privacy_parameters',
  'google.gaussian_tpr_at_extreme_fpr',
  'google.get_smallest_discrete_laplace_noise',
  'google.get_smallest_laplace_noise',
  'google.mixture_gaussian_varying_standard_deviation_and_sensitivity_connect_dots',
  'google.randomized_response_tpr',
  'opacus.calib.4',
  'opacus.gdp',
]
chosen.push(...records.filter(({ id }) => whole.some((prefix) => id.startsWith(prefix))))
console.log(JSON.stringify({ about, records: chosen }, null, 1))
