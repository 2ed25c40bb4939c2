/**
 * The files and commands of docs/runs.md and docs/data.md: they are what the commands take, and do what the pages say.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as E from 'fp-ts/lib/Either.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseGrid } from '../src/cli/experiment/grid-config.js'
import { fpDp } from '../src/cli/fp-dp.js'
import { parseRun } from '../src/cli/run/run-config.js'
import { runInProcess } from './laws/in-process.js'
import { temporaryFolder } from './runs/temporary-folder.js'

const page = (name: string): string => readFileSync(fileURLToPath(new URL(`../docs/${name}`, import.meta.url)), 'utf8')
const blocks = (text: string, language: string): readonly string[] =>
  Array.from(text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm')), ([, code]) => code as string)

const runs = page('runs.md')
const [run = '', grid = ''] = blocks(runs, 'json')
const commands = blocks(runs, 'sh').flatMap((block) => block.trim().split('\n'))

describe('docs/runs.md', () => {
  const from = process.cwd()
  const dir = temporaryFolder()
  beforeAll(() => {
    writeFileSync(join(dir, 'digits.json'), run)
    writeFileSync(join(dir, 'grid.json'), grid)
    process.chdir(dir)
  })
  afterAll(() => process.chdir(from))

  it('has five commands', () => {
    expect(commands).toHaveLength(5)
  })

  it.each(commands)('%s', async (line) => {
    const [npx, name, ...argv] = line.split(' ')
    expect([npx, name]).toEqual(['npx', 'fp-dp'])
    const { status, out, err } = await runInProcess(fpDp('0'), argv)
    expect([status, /failed|must be/.test(err)]).toEqual([0, false])
    expect(out).toMatch(/ε/)
  })

  it('what it says is written is there', () => {
    for (const name of [
      'model.safetensors',
      'privacy.md',
      'privacy.json',
      'report.json',
      'curves.svg',
      'timing.json',
      'checkpoint.safetensors',
    ])
      expect([name, existsSync(join(dir, 'digits', name)), runs.includes(`\`${name}\``)]).toEqual([name, true, true])
    for (const name of ['table.md', 'table.csv', 'runs.csv', 'accuracy.svg'])
      expect([name, existsSync(join(dir, 'grid', name)), runs.includes(`\`${name}\``)]).toEqual([name, true, true])
  })

  it('its sentences are those of the command', () => {
    const wrong = {
      ...JSON.parse(run),
      clip: { kind: 'flat', l2ClipNorm: -1 },
      optimizer: { kind: 'sgd', learningRate: 1, momentum: 2 },
    }
    delete wrong.delta
    const problems = parseRun(wrong)
    const said = E.isLeft(problems) ? problems.left.map(({ sentence }) => `run.json: ${sentence}`) : []
    const shown = (blocks(runs, 'text')[0] ?? '').trim().split('\n')
    expect(said.toSorted()).toEqual(shown.toSorted())
  })

  it('its table names every field of a run', () => {
    const fields = (runs.match(/^\| `[^|]*\|/gm) ?? []).flatMap((cell) =>
      Array.from(cell.matchAll(/`(\w+)`/g), ([, name]) => name as string),
    )
    const parsed = parseRun({ nothing: 1 })
    const known =
      (E.isLeft(parsed) ? parsed.left.find(({ path }) => path === 'nothing')?.sentence : '')
        ?.replace(/^.*it has (.*)\.$/, '$1')
        .split(', ') ?? []
    expect([...fields, '$schema', 'phases'].toSorted()).toEqual(known.toSorted())
  })

  it('its grid is one', () => {
    expect(E.isRight(parseGrid(JSON.parse(grid)))).toBe(true)
  })
})

describe('docs/data.md', () => {
  it.each(blocks(page('data.md'), 'json'))('%s', (block) => {
    const data = JSON.parse(block)
    const parsed = parseRun({ ...JSON.parse(run), data: { ...data, take: { train: 1000 } } })
    if (E.isLeft(parsed)) expect.fail(JSON.stringify(parsed.left))
    expect(parsed.right.data?.kind).toBe(data.kind)
  })

  it('shows every kind', () => {
    const kinds = blocks(page('data.md'), 'json').map((block) => JSON.parse(block).kind as string)
    const parsed = parseRun({ ...JSON.parse(run), data: { kind: 'none' } })
    const sentence = E.isLeft(parsed) ? parsed.left.map((problem) => problem.sentence).join() : ''
    for (const kind of kinds) expect(sentence).toContain(kind)
    expect(kinds.length).toBe(/one of (.*), not/.exec(sentence)?.[1]?.split(', ').length)
  })
})
