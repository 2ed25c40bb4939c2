/**
 * A command line run in the process of the test, with what it wrote.
 */
import { type Program, runProgram } from '../../src/cli/program.js'

export interface Ran {
  readonly status: number
  readonly out: string
  readonly err: string
}

/** `interrupted` is what the command hears when it asks whether to stop. */
export const runInProcess = async (
  program: Program,
  argv: readonly string[],
  interrupted: () => boolean = () => false,
): Promise<Ran> => {
  let [out, err] = ['', '']
  const status = await runProgram(program, argv, {
    write: (text) => {
      out += text
    },
    writeError: (text) => {
      err += text
    },
    print: (line) => {
      err += `${line}\n`
    },
    progress: () => undefined,
    interrupted,
    colours: false,
  })
  return { status, out, err }
}
