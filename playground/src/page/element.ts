/**
 * Elements as expressions.
 */

type Listener = (event: Event) => void
export type Attributes = Readonly<Record<string, string | number | boolean | undefined | Listener>>
export type Child = Node | string | undefined

const furnished = <Made extends Element>(made: Made, attributes: Attributes, children: readonly Child[]): Made => {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name, value)
    else if (value === true) made.setAttribute(name, '')
    else if (value !== undefined && value !== false) made.setAttribute(name, String(value))
  }
  made.append(...children.filter((child) => child !== undefined))
  return made
}

/** An element of HTML: attributes by name, a function as the listener of its event. */
export const element = <Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] => furnished(document.createElement(tag), attributes, children)

const SVG = 'http://www.w3.org/2000/svg'

/** An element of SVG. */
export const drawn = <Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[Tag] => furnished(document.createElementNS(SVG, tag), attributes, children)

/** What the page of index.html must hold. */
export const byId = (id: string): HTMLElement => {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`index.html has no element of id ${id}`)
  return found
}

/** Puts words in place of others; nothing happens where they are the same, so that nothing is said twice. */
export const say = (place: Element, words: string): void => {
  if (place.textContent !== words) place.textContent = words
}
