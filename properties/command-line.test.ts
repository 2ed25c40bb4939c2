/**
 * The command line as a program: help, version, streams and statuses of a real process, and the page that documents it.
 */
import { spawn } from 'node:child_process'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { fpDp } from '../src/cli/fp-dp.js'
import { runProgram } from '../src/cli/program.js'
import { runInProcess } from './laws/in-process.js'
import { temporaryFolder } from './runs/temporary-folder.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const program = fpDp('1.2.3')

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** The program as a process; its output is closed after so many bytes, as `head` closes it. */
const processOf = (line: readonly string[], closeAfter = Number.POSITIVE_INFINITY): Promise<Ended> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...line], { cwd: root })
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk
      if (out.length >= closeAfter) child.stdout.destroy()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk
    })
    child.on('close', (code) => resolve({ code, out, err }))
    if (closeAfter === 0) child.stdout.destroy()
  })

describe('fp-dp', () => {
  it('prints its version and its help', async () => {
    expect(await runInProcess(program, ['--version'])).toEqual({ status: 0, out: '1.2.3\n', err: '' })
    const { status, out } = await runInProcess(program, ['--help'])
    expect(status).toBe(0)
    for (const { name } of program.commands) expect(out).toContain(name)
  })

  it('the help of every command names its flags, the last of which is --json', async () => {
    for (const one of program.commands)
      for (const command of one._tag === 'Command' ? [one] : one.commands) {
        const line = one._tag === 'Command' ? [one.name] : [one.name, command.name]
        const { status, out } = await runInProcess(program, [...line, '--help'])
        for (const { flags } of command.flags) expect(out).toContain(flags)
        expect(out).toContain('--json')
        expect(status).toBe(0)
      }
  })

  it('no command prints colours, and a terminal gets them', async () => {
    const line = [
      'epsilon',
      '--noise-multiplier',
      '2',
      '--sampling-probability',
      '1',
      '--steps',
      '4',
      '--accountant',
      'gdp',
    ]
    expect((await runInProcess(program, line)).out).not.toContain('\x1b')
    let seen = ''
    const silent = () => undefined
    await runProgram(program, line, {
      write: (text) => {
        seen += text
      },
      ...{ writeError: silent, print: silent, progress: silent, interrupted: () => false, colours: true },
    })
    expect(seen).toContain('\x1b[1m')
  })

  it('as a process: an answer, a refusal, and a reader that goes away', async () => {
    const line = [
      'epsilon',
      '--noise-multiplier',
      '2',
      '--sampling-probability',
      '1',
      '--steps',
      '4',
      '--accountant',
      'gdp',
    ]
    const [answer, refusal, gone] = await Promise.all([
      processOf(line),
      processOf(['epsilon', '--steps', '0']),
      processOf(line, 0),
    ])
    // Four releases of σ = 2 are one of σ = 1.
    expect(answer.out).toMatch(/gdp +4\.37717 +4\.37718 +4\.37718/)
    expect([answer.code, answer.err]).toEqual([0, ''])
    expect(refusal).toEqual({ code: 2, out: '', err: "--steps must be a whole number of at least 1, not '0'.\n" })
    expect([gone.code, gone.err]).toEqual([0, ''])
  })
})

/** Words of an output: numbers apart, times left out, spaces of columns as one. */
const wordsOf = (text: string): readonly string[] =>
  text
    .replace(/(< )?\d+ ms/g, 'TIME')
    .split(/\s+/)
    .filter((word) => word !== '')

/** Equal words, or numbers that agree to four digits. */
const agree = (a: string, b: string): boolean =>
  a === b || Math.abs(Number(a) - Number(b)) <= 1e-4 * Math.max(Math.abs(Number(a)), Math.abs(Number(b)))

describe('docs/command-line.md', () => {
  const page = readFileSync(join(root, 'docs', 'command-line.md'), 'utf8')
  const shown = Array.from(page.matchAll(/^```console\n([\s\S]*?)^```$/gm), ([, block]) => block as string).flatMap(
    (block) =>
      block
        .split(/^\$ fp-dp /m)
        .filter((part) => part.trim() !== '')
        .map((part) => {
          const [line = '', ...output] = part.split('\n')
          return { line, output: output.join('\n') }
        }),
  )

  it('shows every command that asks', () => {
    for (const name of ['epsilon', 'calibrate', 'compare', 'curve', 'audit', 'report', 'validate'])
      expect(shown.filter(({ line }) => line.startsWith(`${name} `))).not.toHaveLength(0)
  })

  it('prints what it says it prints', async () => {
    const folder = temporaryFolder()
    cpSync(join(root, 'examples'), join(folder, 'examples'), { recursive: true })
    const before = process.cwd()
    process.chdir(folder)
    try {
      for (const { line, output } of shown) {
        const words = Array.from(line.matchAll(/'([^']*)'|(\S+)/g), ([, quoted, plain]) => quoted ?? plain ?? '')
        const { out } = await runInProcess(program, words)
        const [expected, found] = [wordsOf(output), wordsOf(out)]
        expect(
          found.filter((word, i) => !agree(word, expected[i] ?? '')),
          line,
        ).toEqual([])
        expect(found, line).toHaveLength(expected.length)
      }
    } finally {
      process.chdir(before)
    }
  })
})
