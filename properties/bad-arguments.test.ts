/**
 * Arguments that cannot be meant: each is answered with a sentence that names it and says what is allowed, and the status is 2.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AnyCommand } from '../src/cli/command.js'
import { longName } from '../src/cli/flag.js'
import { fpDp } from '../src/cli/fp-dp.js'
import { runInProcess } from './laws/in-process.js'
import { temporaryFolder } from './runs/temporary-folder.js'

const program = fpDp('0.0.0')
const folder = temporaryFolder()
const inFolder = (name: string, content: string): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const training = ['--noise-multiplier', '1', '--sampling-probability', '0.01', '--steps', '10']
const target = ['--epsilon', '2', '--delta', '1e-5']
const scores = inFolder(
  'scores.csv',
  `member,score\n${Array.from({ length: 20 }, (_, i) => `${i % 2},${i}`).join('\n')}\n`,
)
const event = inFolder('event.json', '{ "_tag": "Gaussian", "noiseMultiplier": 1, "grade": "float" }')
const missing = join(folder, 'missing.json')

/** A command line, the argument that it gets wrong, and what must be said of it. */
type Case = readonly [line: readonly string[], argument: RegExp, allowed: RegExp]

const cases: readonly Case[] = [
  // Commands and flags.
  [['epsilom'], /command .*'epsilom'/, /epsilon, calibrate, compare/],
  [['--colour'], /--colour/, /a command comes first, epsilon/],
  [['epsilon', ...training, '--colour', 'red'], /--colour/, /it takes --noise-multiplier, /],
  [['epsilon', ...training, '--step', '3'], /--step\b/, /did you mean --steps\?/],
  [['epsilon', ...training, 'extra'], /'extra'/, /epsilon takes flags only/],
  [['epsilon', '--noise-multiplier'], /--noise-multiplier/, /a number above 0/],
  [['curve', 'trade-off', 'roc', ...training], /'roc'/, /curve takes <kind> and flags/],
  [['data'], /Usage: fp-dp data/, /fetch/],
  [['data', 'pull'], /'pull'/, /fetch/],
  // Numbers.
  [['epsilon', '--noise-multiplier', '0'], /--noise-multiplier/, /above 0, not '0'/],
  [['epsilon', '--noise-multiplier', '-1.1'], /--noise-multiplier/, /above 0, not '-1.1'/],
  [['epsilon', '--noise-multiplier', 'loud'], /--noise-multiplier/, /above 0, not 'loud'/],
  [['epsilon', '--noise-multiplier', ''], /--noise-multiplier/, /above 0, not ''/],
  [['epsilon', '--noise-multiplier', 'Infinity'], /--noise-multiplier/, /above 0, not 'Infinity'/],
  [['epsilon', '--noise-multiplier', '1e400'], /--noise-multiplier/, /above 0, not '1e400'/],
  [['epsilon', '--noise-multiplier', '0x10'], /--noise-multiplier/, /above 0, not '0x10'/],
  [['epsilon', '--sampling-probability', '1.5'], /--sampling-probability/, /above 0 and at most 1, not '1.5'/],
  [['epsilon', '--sampling-probability', '0'], /--sampling-probability/, /above 0 and at most 1, not '0'/],
  [['epsilon', '--steps', '10.5'], /--steps/, /a whole number of at least 1, not '10.5'/],
  [['epsilon', '--steps', '0'], /--steps/, /a whole number of at least 1, not '0'/],
  [['epsilon', '--steps', '1e17'], /--steps/, /a whole number of at least 1, not '1e17'/],
  [['epsilon', '--steps', '--delta', '1e-5'], /--steps/, /a whole number of at least 1, not '--delta'/],
  [['epsilon', ...training, '--delta', '1'], /--delta/, /above 0 and below 1, not '1'/],
  [['epsilon', ...training, '--delta', '0'], /--delta/, /above 0 and below 1, not '0'/],
  [['epsilon', ...training, '--examples-per-user', '0'], /--examples-per-user/, /at least 1, not '0'/],
  // Names.
  [
    ['epsilon', ...training, '--accountant', 'exact,moments'],
    /--accountant/,
    /exact, pld, prv, rdp, .*not 'exact,moments'/,
  ],
  [
    ['epsilon', ...training, '--neighbouring', 'both'],
    /--neighbouring/,
    /add-or-remove-one, replace-one or replace-special/,
  ],
  [['epsilon', ...training, '--sampler', 'uniform'], /--sampler/, /poisson, truncated-poisson, .*not 'uniform'/],
  [['curve', 'epsilon', ...training], /<kind>/, /epsilon-by-steps, delta-by-epsilon, trade-off or roc, not 'epsilon'/],
  [['curve'], /<kind>/, /epsilon-by-steps, delta-by-epsilon/],
  // What belongs together.
  [['epsilon'], /--sampling-probability is missing/, /or be given by --dataset-size and --batch-size/],
  [['epsilon', '--sampling-probability', '0.1'], /--steps is missing/, /or be given by --epochs/],
  [['epsilon', '--sampling-probability', '0.1', '--steps', '5'], /--noise-multiplier is missing/, /a number above 0/],
  [['epsilon', ...training, '--epochs', '3'], /--steps and --epochs/, /one of them/],
  [['epsilon', ...training, '--batch-size', '3'], /--sampling-probability and --batch-size/, /one of them/],
  [['epsilon', '--batch-size', '3'], /--dataset-size is missing/, /needs it/],
  [['epsilon', '--dataset-size', '10', '--batch-size', '30'], /--batch-size/, /at most --dataset-size, 10, not 30/],
  [['epsilon', ...training, '--sampler', 'shuffled'], /--dataset-size is missing/, /--sampler shuffled needs it/],
  [
    ['epsilon', '--dataset-size', '10', '--batch-size', '2.5', '--sampler', 'shuffled'],
    /--batch-size/,
    /a whole number for --sampler shuffled, not 2.5/,
  ],
  [
    ['epsilon', ...training, '--truncated-batch-size', '3'],
    /--truncated-batch-size/,
    /for --sampler truncated-poisson/,
  ],
  [['epsilon', '--phase', '1,2,3'], /--phase/, /σ,q,T: .*not '1,2,3'/],
  [['epsilon', '--phase', '1,0.5'], /--phase/, /σ,q,T: .*not '1,0.5'/],
  [
    ['epsilon', '--phase', '1,0.5,3', ...training],
    /--noise-multiplier, --sampling-probability, --steps/,
    /--phase says everything/,
  ],
  [['epsilon', '--phase', '1,0.5,3', '--sampler', 'shuffled'], /--sampler/, /poisson, not 'shuffled'/],
  // Files.
  [['epsilon', '--event', missing], /--event .*missing\.json/, /there is no such file/],
  [['epsilon', '--event', folder], /--event/, /it is a folder/],
  [['epsilon', '--event', scores], /--event .*scores\.csv/, /must hold JSON/],
  [
    ['epsilon', '--event', inFolder('half.json', '{ "_tag": "Gaussian" }')],
    /--event .*half\.json/,
    /noiseMultiplier is missing: it must be a finite number ≥ 0/,
  ],
  [['epsilon', '--event', event, '--steps', '3'], /--steps/, /--event says everything/],
  [['curve', 'epsilon-by-steps', '--event', event], /--event/, /needs --noise-multiplier and --steps, or --phase/],
  [['curve', 'roc', ...training, '--output', 'roc.gif'], /--output/, /ends in \.svg, \.png or \.csv, not 'roc\.gif'/],
  [
    ['curve', 'roc', ...training, '--output', join(folder, 'no', 'roc.csv')],
    /--output/,
    /a folder that is there, .*no such folder/,
  ],
  [['curve', 'roc', ...training, '--points', '1'], /--points/, /a whole number from 2 to 2000, not '1'/],
  [['curve', 'roc', ...training, '--to', '2'], /--to/, /a false positive rate, at most 1, not 2/],
  [['curve', 'roc', ...training, '--from', '0'], /--from/, /above 0 for roc/],
  [['curve', 'trade-off', ...training, '--from', '0.5', '--to', '0.2'], /--to/, /above its beginning, 0.5, not 0.2/],
  [['curve', 'roc', ...training, '--accountant', 'gdp'], /--accountant/, /one that reads such an event; .*not 'gdp'/],
  // Calibration.
  [['calibrate', ...training], /target/, /one of --epsilon, --advantage, or --true-positive-rate/],
  [
    ['calibrate', '--epsilon', '1', '--advantage', '0.1', ...training],
    /several targets/,
    /one of --epsilon, --advantage/,
  ],
  [['calibrate', ...target, ...training], /Nothing is left/, /leave out one of --noise-multiplier/],
  [
    ['calibrate', ...target],
    /--noise-multiplier, --sampling-probability \(or --batch-size\), --steps/,
    /left out alone/,
  ],
  [['calibrate', '--advantage', '0.1', '--delta', '1e-5'], /--delta/, /belongs to --epsilon/],
  [['calibrate', '--true-positive-rate', '0.1'], /--false-positive-rate is missing/, /both rates/],
  [
    ['calibrate', '--true-positive-rate', '0.1', '--false-positive-rate', '0.2', '--steps', '3'],
    /--true-positive-rate/,
    /above --false-positive-rate, 0.2, which guessing has, not 0.1/,
  ],
  [['calibrate', '--epsilon', '0'], /--epsilon/, /above 0, not '0'/],
  [
    [
      'calibrate',
      ...target,
      '--steps',
      '3',
      '--sampling-probability',
      '0.1',
      '--accountant',
      'allocation',
      '--neighbouring',
      'replace-one',
    ],
    /--accountant/,
    /one that knows replacing one record by another, not 'allocation'/,
  ],
  [
    ['calibrate', ...target, '--noise-multiplier', '1', '--steps', '3', '--sampler', 'shuffled'],
    /--batch-size/,
    /poisson or without-replacement, not 'shuffled'/,
  ],
  // Grids.
  [
    ['compare', '--steps', '3'],
    /--noise-multiplier is missing/,
    /a list between commas, each a number above 0 or from:to:n/,
  ],
  [['compare', '--noise-multiplier', '1,,2'], /--noise-multiplier/, /a list between commas.*not '1,,2'/],
  [['compare', '--noise-multiplier', '1:2'], /--noise-multiplier/, /from:to:n, not '1:2'/],
  [
    ['compare', '--noise-multiplier', '1:2:100', '--sampling-probability', '0.1:0.2:100', '--steps', '1,2'],
    /grid/,
    /at most 10000 answers, not 40000/,
  ],
  [
    ['compare', '--noise-multiplier', '1', '--sampling-probability', '0.1', '--steps', '3', '--accountant', 'gdp'],
    /--accountant/,
    /one that reads Poisson samples of Gaussians, not 'gdp'/,
  ],
  // Audits.
  [['audit'], /<scores> is missing/, /a file of scores, \.csv or \.json, or --train/],
  [['audit', missing], /<scores>.*missing\.json/, /there is no such file/],
  [['audit', inFolder('a.csv', 'x,y\n1,2\n')], /<scores>.*a\.csv/, /the columns member and score, not 'x,y'/],
  [
    ['audit', inFolder('b.csv', 'member,score\nmaybe,2\n')],
    /<scores>.*row 1/,
    /true or false \(or 1 or 0\), not 'maybe'/,
  ],
  [['audit', inFolder('c.csv', 'member,score\n1,high\n')], /<scores>.*row 1/, /score must be a number, not 'high'/],
  [
    ['audit', inFolder('d.csv', 'member,score\n1,2\n1,3\n')],
    /<scores>.*d\.csv/,
    /members and non-members, not 2 and 0/,
  ],
  [
    ['audit', inFolder('e.json', '{"member":1}')],
    /<scores>.*e\.json/,
    /a list of objects with the fields member and score/,
  ],
  [['audit', scores, '--guesses', '100'], /--guesses/, /at most the number of canaries, 20, not 100/],
  [['audit', scores, '--claimed-epsilon', '1', ...training], /--claimed-epsilon/, /one of them/],
  [['audit', scores, '--train'], /<scores>/, /must not be given/],
  [['audit', '--train', ...training, '--canaries', '5'], /--canaries/, /from 10 to 3000, not 5/],
  [['audit', scores, '--significance', '1'], /--significance/, /above 0 and below 1, not '1'/],
  // Reports and models.
  [['report'], /<run>/, /a folder, a checkpoint or a JSON file/],
  [['report', missing], /<run>.*missing\.json/, /there is no such file/],
  [['report', folder], /<run>/, /one of checkpoint\.safetensors, privacy\.json, report\.json/],
  [['report', inFolder('junk.safetensors', 'junk')], /<run>.*junk\.safetensors/, /a checkpoint: /],
  [['report', inFolder('g.json', '{"_tag":"Gauss"}')], /<run>.*g\.json/, /the tag of a privacy event, not 'Gauss'/],
  [
    ['report', event, '--accountant', 'allocation', '--neighbouring', 'replace-one'],
    /--accountant/,
    /not 'allocation'/,
  ],
  [['validate'], /<file>/, /a JSON file with a model or a run/],
  [['validate', inFolder('l.json', '[1]')], /<file>.*l\.json/, /a model with layers and wiring, or a run/],
  [['validate', inFolder('m.json', '{"layers":{},"wiring":[]}'), '--to', 'x.json'], /--to/, /without --fix/],
  [['validate', scores], /<file>.*scores\.csv/, /must hold JSON/],
]

describe('bad arguments', () => {
  it('are fifty and more', () => {
    expect(cases.length).toBeGreaterThanOrEqual(50)
  })

  it.each(cases.map(([line, argument, allowed]) => [line.join(' '), line, argument, allowed] as const))(
    'fp-dp %s',
    async (_, line, argument, allowed) => {
      const { status, out, err } = await runInProcess(program, line)
      expect(err).toMatch(argument)
      expect(err).toMatch(allowed)
      expect(err).not.toMatch(/\n\s+at |undefined|\[object|NaN/)
      expect(out).toBe('')
      expect(status).toBe(2)
    },
  )

  it('are data too, where data are asked for', async () => {
    const { status, out, err } = await runInProcess(program, ['epsilon', '--steps', '0', '--delta', '2', '--json'])
    const { error } = JSON.parse(out) as {
      readonly error: { readonly kind: string; readonly sentences: readonly string[] }
    }
    expect(error.kind).toBe('arguments')
    // Every flag that cannot be read is named.
    expect(error.sentences).toHaveLength(2)
    expect(err).toBe(error.sentences.map((sentence) => `${sentence}\n`).join(''))
    expect(status).toBe(2)
  })

  const commands = program.commands.flatMap((one): readonly AnyCommand[] =>
    one._tag === 'Command' ? [one] : one.commands,
  )
  const valued = commands.flatMap((command) =>
    command.flags.filter(({ requirement }) => requirement !== undefined).map((flag) => ({ command, flag })),
  )

  it('each flag reads what it may and refuses the rest with its own words, whatever the text', () =>
    fc.assert(
      fc.property(fc.constantFrom(...valued), fc.string(), ({ flag }, text) => {
        const read = flag.read([text])
        if (read._tag === 'Left') {
          expect(read.left.parameter).toBe(longName(flag.flags))
          expect(read.left.requirement).toBe(flag.requirement)
          expect(read.left.value).toBe(text)
        }
      }),
    ))
})
