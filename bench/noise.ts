/**
 * `npx tsx bench/noise.ts [numbers]`: what noise costs in each grade, added to a sum of a million numbers on one thread. CPU time
 * of this process is printed, so that other work on the machine counts as little as it can; rounds are interleaved and the least is
 * shown.
 */
import { cpus, loadavg } from 'node:os'
import { gaussian, gridGaussian, type IntegerSum, laplace } from '../src/privacy/index.js'
import { discreteGaussian, key, secureKey } from '../src/sampling/index.js'
import { type Tensor, zeros } from '../src/tensor/index.js'

const numbers = Number(process.argv[2] ?? 1_000_000)
const floats = { w: zeros([numbers]) }
const integers: IntegerSum<{ readonly w: Tensor }> = {
  _tag: 'IntegerSum',
  sum: { w: zeros([numbers], 'float64') },
  gridSpacing: 2 ** -16,
  l2Bound: 2 ** 16 + 500,
  l1Bound: Number.POSITIVE_INFINITY,
  dtype: 'float32',
}
const [seeded, secret] = [key(0), secureKey()]
const onGrid = gridGaussian(1.1)
const ways: Readonly<Record<string, () => unknown>> = {
  'gaussian, float (Threefry)': () => gaussian(1.1)(seeded)({ _tag: 'BoundedSum', sum: floats, l2Bound: 1 }),
  'gaussian, secure (ChaCha20)': () => gaussian(1.1)(secret)({ _tag: 'BoundedSum', sum: floats, l2Bound: 1 }),
  'gridGaussian, discrete (ChaCha20)': () => onGrid(secret)(integers),
  'laplace (ChaCha20)': () => laplace(1.1)(secret)({ _tag: 'L1BoundedSum', sum: floats, l1Bound: 1 }),
}

const cost = (run: () => unknown): number => {
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

console.log(
  `${cpus()[0]?.model}, Node ${process.version}, ${numbers} numbers, load average ${loadavg()[0]?.toFixed(2)}`,
)
const began = performance.now()
discreteGaussian(1.1 * integers.l2Bound)
console.log(`tables of the discrete Gaussian: ${(performance.now() - began).toFixed(1)} ms, once`)
const least = new Map(Object.entries(ways).map(([name, run]) => [name, cost(run)]))
for (let round = 0; round < 15; round++)
  for (const [name, run] of Object.entries(ways)) least.set(name, Math.min(least.get(name) as number, cost(run)))
for (const [name, ms] of least)
  console.log(
    `${name.padEnd(36)} ${ms.toFixed(1).padStart(7)} ms of CPU ${(numbers / ms / 1000).toFixed(1).padStart(7)} million a second`,
  )
