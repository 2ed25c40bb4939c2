/**
 * A contender in a process of its own. It answers each line of its standard input with one line:
 *
 *   {"prepare": folder, "contender": name}   →  {"version": …}, having written its clipped sum to folder/name.f32
 *   {"steps": k}                             →  {"ms": …, "bytes": …}: of one of k steps, in the mean; the most memory that the process has had
 *   whatever fails                           →  {"failed": sentence}
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** The problem of a folder, with its numbers. */
export const readAll = (folder) => {
  const bytes = (name) => {
    const { buffer, byteOffset, byteLength } = readFileSync(join(folder, name))
    return buffer.slice(byteOffset, byteOffset + byteLength)
  }
  const problem = JSON.parse(readFileSync(join(folder, 'problem.json'), 'utf8'))
  const numbers = new Float32Array(bytes('params.f32'))
  let start = 0
  const params = problem.shapes.map((shape) => {
    const end = start + shape.reduce((size, extent) => size * extent, 1)
    const values = numbers.slice(start, end)
    start = end
    return { shape, values }
  })
  return {
    ...problem,
    params,
    inputs: new Float32Array(bytes('input.f32')),
    targets: new Int32Array(bytes('target.i32')),
  }
}

/** Serves contenders, each a function from a folder to `{ version, sum, step, close? }`. */
export const serve = (contenders) => {
  let prepared
  const answer = async ({ prepare, contender, steps }) => {
    if (prepare !== undefined) {
      const make = contenders[contender]
      if (make === undefined) throw new Error(`no contender is called ${contender}`)
      prepared = await make(prepare)
      writeFileSync(join(prepare, `${contender}.f32`), prepared.sum)
      return { version: prepared.version }
    }
    const began = performance.now()
    for (let step = 0; step < steps; step++) await prepared.step()
    const ms = (performance.now() - began) / steps
    return { ms, bytes: process.resourceUsage().maxRSS * 1024, ...prepared.report?.() }
  }
  const lines = createInterface({ input: process.stdin })
  let last = Promise.resolve()
  lines.on('line', (line) => {
    last = last.then(async () => {
      const found = await answer(JSON.parse(line)).catch((error) => ({
        failed: `${error instanceof Error ? error.message : error}`.split('\n')[0],
      }))
      process.stdout.write(`${JSON.stringify(found)}\n`)
    })
  })
  lines.on('close', () => process.exit(0))
}
