/**
 * Links between pages of Markdown: to files that exist, and to headings that stand in them.
 */
import { posix } from 'node:path'

/** Pages by their path from the root. */
export type Pages = Readonly<Record<string, string>>

const withoutCode = (markdown: string): string =>
  markdown.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()#]/g, '·'))

/** The anchor that GitHub gives a heading. */
export const anchorOf = (heading: string): string =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
    .replace(/ /g, '-')

/** The anchors of a page; a heading that stands there twice gets a number the second time. */
export const anchorsOf = (markdown: string): ReadonlySet<string> => {
  const seen = new Map<string, number>()
  return new Set(
    Array.from(markdown.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/^#{1,6} +(.*?)\s*#*$/gm), ([, heading]) => {
      const anchor = anchorOf(heading as string)
      const times = seen.get(anchor) ?? 0
      seen.set(anchor, times + 1)
      return times === 0 ? anchor : `${anchor}-${times}`
    }),
  )
}

/** What the links of a page name, without those to other sites. */
export const linksOf = (markdown: string): readonly string[] =>
  Array.from(withoutCode(markdown).matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g), ([, to]) => to as string)
    .concat(Array.from(withoutCode(markdown).matchAll(/^\[[^\]]+\]:\s+(\S+)/gm), ([, to]) => to as string))
    .filter((to) => !/^[a-z][a-z+.-]*:/i.test(to))

/** One sentence for each link that leads nowhere. */
export const brokenLinks = (pages: Pages, exists: (path: string) => boolean): readonly string[] =>
  Object.entries(pages).flatMap(([page, markdown]) =>
    linksOf(markdown).flatMap((to) => {
      const [file = '', anchor] = to.split('#')
      const path = file === '' ? page : posix.normalize(posix.join(posix.dirname(page), decodeURI(file)))
      if (!(path in pages) && !exists(path)) return [`${page}: ${to} is no file`]
      const target = pages[path]
      return anchor === undefined || target === undefined || anchorsOf(target).has(decodeURI(anchor))
        ? []
        : [`${page}: ${path} has no heading #${anchor}`]
    }),
  )
