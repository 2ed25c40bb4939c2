/**
 * The answer of `fp-dp data fetch`.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { Answer } from '../command.js'
import type { FetchOptions } from '../commands/data-fetch.js'
import { badArguments, type Failure, failed } from '../failure.js'
import { makeFolder } from '../run/run-files.js'
import type { Terminal } from '../terminal.js'
import { type Downloaded, download, type NotDownloaded } from './download.js'
import { type PublishedName, published, publishedNames } from './published.js'

const sentenceOf = (reason: Exclude<NotDownloaded, { _tag: 'Interrupted' }>, title: string, to: string): string => {
  if (reason._tag === 'AnotherFile')
    return `${reason.path} is there, and is not the published file of ${title}: move it away, or fetch into another folder.`
  const tried = Array.from(new Set(reason.reasons)).join('; ')
  return reason.noNetwork
    ? `${reason.name} cannot be fetched, since no network reaches the servers (${tried}): fetch the files of ${title} elsewhere, and put them into ${to}.`
    : `${reason.name} cannot be fetched (${tried}).`
}

const lineOf = ({ name, how, url }: Downloaded): string =>
  how === 'kept' ? `${name}: there already` : `${name}: ${how} from ${url}`

export const answerFetch = async (
  given: string | undefined,
  options: FetchOptions,
  terminal: Terminal,
): Promise<E.Either<Failure, Answer>> => {
  const name = publishedNames.find((known) => known === given) as PublishedName | undefined
  if (name === undefined)
    return E.left(
      badArguments(
        `<dataset> must be ${publishedNames.slice(0, -1).join(', ')} or ${publishedNames.at(-1)}, not '${given}'.`,
      ),
    )
  const { title, files, mirrors, use } = published[name]
  const made = await makeFolder(options.to)
  if (E.isLeft(made)) return made
  const done: Downloaded[] = []
  for (const file of files) {
    const result = await download(file, {
      folder: options.to,
      mirrors: options.mirror.length > 0 ? options.mirror : mirrors,
      patienceMs: 1000 * options.patience,
      screen: terminal,
    })
    if (E.isLeft(result)) {
      if (result.left._tag !== 'Interrupted') return E.left(failed(sentenceOf(result.left, title, options.to)))
      return E.right({
        text: `Stopped within ${file.name}. The same command goes on from there.`,
        json: { finished: false, files: done },
        status: 130,
      })
    }
    done.push(result.right)
    terminal.print(lineOf(result.right))
  }
  return E.right({
    text: `${title} is in ${options.to}, and is what was published (SHA-256). In the file of a run: "data": ${JSON.stringify(use(options.to))}`,
    json: { finished: true, dataset: name, folder: options.to, files: done, data: use(options.to) },
  })
}
