/**
 * Runs the notebooks headless, as Jupyter and tslab would, and says what went wrong.
 *
 *   npm run notebooks                   all of them
 *   npm run notebooks -- 3 5            those whose names begin so
 *   npm run notebooks -- --write        keeps the fresh outputs
 *
 * Needs a Python that has nbconvert, the built library (`npm run build`), and tslab (`npm install --prefix notebooks`).
 */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { codeCells, complaintsIn, type Notebook, withoutTraces } from '../properties/laws/notebooks.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'notebooks')
const tslab = join(folder, 'node_modules', 'tslab', 'bin', 'tslab')

const hasNbconvert = (python: string): boolean => {
  try {
    execFileSync(python, ['-c', 'import nbconvert'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** What is missing, and how to get it. */
const missing = (python: string | undefined): string | undefined =>
  python === undefined
    ? 'no Python with nbconvert was found (PYTHON, python3, /usr/bin/python3). Debian: apt install jupyter-notebook'
    : !existsSync(tslab)
      ? 'the kernel is missing: npm install --prefix notebooks'
      : !existsSync(join(root, 'dist', 'index.js'))
        ? 'the library is not built: npm run build'
        : undefined

/** A place for Jupyter's kernels that holds this one, so that nothing has to be installed for the user. */
const kernelIn = (work: string): string => {
  const kernel = join(work, 'kernels', 'tslab')
  mkdirSync(kernel, { recursive: true })
  const argv = [process.execPath, tslab, 'kernel', '--config-path', '{connection_file}']
  writeFileSync(
    join(kernel, 'kernel.json'),
    JSON.stringify({ argv, display_name: 'TypeScript', language: 'typescript' }),
  )
  return work
}

/** What a process writes to its standard error, if it fails. */
const run = (command: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let text = ''
    child.stderr.on('data', (chunk) => {
      text += chunk
    })
    child.on('error', reject)
    child.on('close', (code) => resolve(code === 0 ? '' : text.trim() || `exit code ${code}`))
  })

const asked = process.argv.slice(2).filter((argument) => argument !== '--write')
const write = process.argv.includes('--write')
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.ipynb'))
  .filter((name) => asked.length === 0 || asked.some((start) => name.startsWith(start)))
const python = [process.env.PYTHON, 'python3', '/usr/bin/python3'].find(
  (candidate) => candidate !== undefined && hasNbconvert(candidate),
)
const obstacle = missing(python)

if (names.length === 0) {
  console.error(`no notebook begins with ${asked.join(' or ')}`)
  process.exitCode = 2
} else if (obstacle !== undefined) console.log(`notebooks: skipped, since ${obstacle}. docs/notebooks.md says more.`)
else {
  const work = mkdtempSync(join(tmpdir(), 'fp-dp-notebooks-'))
  const env = { JUPYTER_PATH: kernelIn(work), PYTHONWARNINGS: 'ignore' }
  try {
    for (const name of names) {
      const start = performance.now()
      const args = [
        '-m',
        'nbconvert',
        '--to',
        'notebook',
        '--execute',
        '--allow-errors',
        '--ExecutePreprocessor.timeout=300',
      ]
      const failure = await run(python as string, [...args, '--output-dir', work, name], env)
      if (failure !== '') {
        console.error(`${name} failed:\n${failure}`)
        process.exitCode = 1
        continue
      }
      const fresh = withoutTraces(JSON.parse(readFileSync(join(work, name), 'utf8')) as Notebook)
      // The kernel prints what went wrong to its standard error; Jupyter itself sees a failure without a word.
      const errors = codeCells(fresh).flatMap((cell) => (complaintsIn(cell) === '' ? [] : [complaintsIn(cell)]))
      if (errors.length > 0) {
        console.error(`${name} failed:\n${errors.join('\n')}`)
        process.exitCode = 1
        continue
      }
      console.log(`${name} ran in ${((performance.now() - start) / 1000).toFixed(0)} s`)
      if (write) writeFileSync(join(folder, name), `${JSON.stringify(fresh, undefined, 1)}\n`)
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
