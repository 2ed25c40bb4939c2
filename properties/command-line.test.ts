/**
 * The command line: what it answers, what it refuses, and with which status.
 */
import { describe, expect, it } from 'vitest'
import { fpDp } from '../src/cli/fp-dp.js'
import { runInProcess } from './laws/in-process.js'

describe('fp-dp', () => {
  it('prints its version and its help', async () => {
    expect(await runInProcess(fpDp('1.2.3'), ['--version'])).toEqual({ status: 0, out: '1.2.3\n', err: '' })
    const { status, out } = await runInProcess(fpDp('1.2.3'), ['--help'])
    expect(status).toBe(0)
    for (const { name } of fpDp('1.2.3').commands) expect(out).toContain(name)
  })
})
