/**
 * Sentences in lines of a page.
 */

/**
 * Words in lines of at most so many characters; a longer word has a line of its own.
 *
 * @example
 * wrapped('one two three', 8) // => ['one two', 'three']
 */
export const wrapped = (text: string, width = 96): readonly string[] => {
  const lines: string[] = []
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
