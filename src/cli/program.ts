/**
 * A command line of several commands: `--help`, `--version`, `--json`, and one sentence for each argument that cannot be meant.
 */
import { Command, CommanderError, Option } from 'commander'
import * as E from 'fp-ts/lib/Either.js'
import type { AnyCommand, CommandGroup } from './command.js'
import { badArgument, badArguments, type Failure, sentenceOf, sentencesOf, statusOf } from './failure.js'
import { longName } from './flag.js'
import type { Terminal } from './terminal.js'

/** What a program consists of. */
export interface Program {
  readonly name: string
  readonly summary: string
  readonly version: string
  readonly commands: readonly (AnyCommand | CommandGroup)[]
}

/** JSON has no infinity and no NaN: as text. */
const throughJson = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value

export const showJson = (value: unknown): string => `${JSON.stringify(value, throughJson, 2)}\n`

const list = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`

/** As commander names what it has read: `--sampling-probability` is samplingProbability. */
const attributeOf = (flag: string): string =>
  flag.slice(2).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())

/** The texts that a flag was given. */
const textsOf =
  (made: Command) =>
  (flag: string): readonly string[] => {
    const value = made.getOptionValue(attributeOf(flag)) as readonly string[] | boolean | undefined
    return value === undefined ? [] : Array.isArray(value) ? (value as readonly string[]) : ['']
  }

/** What commander says of a command line, as one sentence that names the argument and what is allowed. */
const refusalOf = (
  error: CommanderError,
  here: AnyCommand | undefined,
  names: readonly string[],
  made: Command | undefined,
): Failure => {
  const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? ''
  const flags = here?.flags ?? []
  const near = /Did you mean (.*)\?\)/.exec(error.message)?.[1]
  const meant = near === undefined ? '' : ` (did you mean ${near}?)`
  switch (error.code) {
    case 'commander.unknownOption': {
      const allowed = [...flags.map(({ flags: name }) => longName(name)), '--json', '--help']
      return badArguments(
        here === undefined
          ? `${quoted} is no flag of this program${meant}: a command comes first, ${list(names)}.`
          : `${quoted} is no flag of ${here.name}${meant}: it takes ${list(allowed)}.`,
      )
    }
    case 'commander.optionMissingArgument': {
      const wanted = flags.find((flag) => flag.flags === quoted)
      return badArguments(`${longName(quoted)} must be ${wanted?.requirement ?? 'given a value'}, and has no value.`)
    }
    case 'commander.unknownCommand':
      return badArgument('The command', quoted, list(names))
    case 'commander.missingArgument': {
      const wanted = here?.positionals.find(({ name }) => name === quoted)
      return badArguments(`<${quoted}> is missing: it must be ${wanted?.about ?? 'given'}.`)
    }
    case 'commander.excessArguments': {
      // A flag without its value takes the next flag for it, and what that was meant to have is left over.
      const swallowed = flags.flatMap((flag) => {
        const given = made === undefined ? [] : textsOf(made)(longName(flag.flags))
        const read = given.at(-1)?.startsWith('--') === true ? flag.read(given) : E.right(undefined)
        return E.isLeft(read) ? [sentenceOf(read.left)] : []
      })
      if (swallowed.length > 0) return badArguments(...swallowed)
      const taken = here?.positionals.map(({ name }) => `<${name}>`) ?? []
      const extra = made?.args.slice(taken.length).map((text) => `'${text}'`) ?? []
      return badArguments(
        `${extra.join(', ')} must not be given: ${here?.name ?? 'this program'} takes ${taken.length === 0 ? 'flags only' : `${list(taken)} and flags`}.`,
      )
    }
    default:
      return badArguments(error.message)
  }
}

/** `--json` and the flags of a command. Texts are kept as they are, and read by the command. */
const addFlags = (target: Command, { flags, positionals }: AnyCommand): void => {
  for (const { name, about, optional } of positionals)
    target.argument(optional === true ? `[${name}]` : `<${name}>`, about)
  for (const { flags: name, about, shown } of flags) {
    const option = new Option(name, shown === undefined ? about : `${about} (default: ${shown})`)
    target.addOption(
      option.required ? option.argParser((text, before: readonly string[] = []) => [...before, text]) : option,
    )
  }
  target.option('--json', 'the answer as JSON')
}

/**
 * Runs a command line, and returns its exit status: 0 for an answer, 2 for arguments that cannot be meant, 1 for any other failure.
 *
 * `argv` does not hold the names of the interpreter and the script.
 */
export const runProgram = async (
  { name, summary, version, commands }: Program,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> => {
  let status = 0
  const json = argv.includes('--json')

  const refuse = (failure: Failure): void => {
    status = statusOf(failure)
    if (json)
      terminal.write(
        showJson({
          error: { kind: status === 2 ? 'arguments' : 'failure', sentences: sentencesOf(failure) },
        }),
      )
    for (const sentence of sentencesOf(failure)) terminal.writeError(`${sentence}\n`)
  }

  const answering =
    (spec: AnyCommand) =>
    async (...given: readonly unknown[]): Promise<void> => {
      const made = given.at(-1) as Command
      const positionals = given.slice(0, -2) as readonly (string | undefined)[]
      const answer = await spec.run(textsOf(made), { ...terminal, json }, positionals)
      if (E.isLeft(answer)) return refuse(answer.left)
      const { text, json: data, status: wanted = 0 } = answer.right
      terminal.write(json ? showJson(data) : text === '' || text.endsWith('\n') ? text : `${text}\n`)
      status = wanted
    }

  const nameOf = (spec: AnyCommand | CommandGroup): string => spec.name
  const refusing =
    (here: AnyCommand | undefined, names: readonly string[], made?: Command) =>
    (error: CommanderError): never => {
      if (error.exitCode === 0) throw error
      // Commander has printed its help where no command was given.
      if (error.code === 'commander.help') status = 2
      else refuse(refusalOf(error, here, names, made))
      throw error
    }

  const add = (to: Command, spec: AnyCommand | CommandGroup): void => {
    const made = to.command(spec.name).summary(spec.summary)
    if (spec._tag === 'CommandGroup') {
      made.description(spec.summary).exitOverride(refusing(undefined, spec.commands.map(nameOf)))
      for (const inner of spec.commands) add(made, inner)
      return
    }
    made.description(spec.about === undefined ? spec.summary : `${spec.summary}\n\n${spec.about}`)
    addFlags(made, spec)
    if (spec.examples.length > 0)
      made.addHelpText('after', `\nExamples:\n${spec.examples.map((line) => `  ${name} ${line}`).join('\n')}`)
    made
      .allowExcessArguments(false)
      .exitOverride(refusing(spec, [], made))
      .action(answering(spec))
  }

  const program = new Command(name)
    .description(summary)
    .version(version, '--version', 'print the version')
    .configureOutput({ writeOut: terminal.write, writeErr: terminal.writeError, outputError: () => undefined })
    .exitOverride(refusing(undefined, commands.map(nameOf)))
  for (const spec of commands) add(program, spec)

  try {
    await program.parseAsync(argv as string[], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
  }
  return status
}
