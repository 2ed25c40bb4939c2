/**
 * A few test digits with what the network takes them for.
 */
import { element, say } from '../page/element.js'
import type { Specimen } from './training-messages.js'

export interface Specimens {
  readonly root: HTMLElement
  readonly show: (specimens: readonly Specimen[]) => void
  readonly guess: (guesses: readonly number[] | undefined) => void
}

const EXTENT = 28

/** Ink that shows on both themes: black ink as alpha, coloured by a mask would need an image; the canvas is drawn light on dark. */
const picture = ({ pixels, label }: Specimen): HTMLCanvasElement => {
  const canvas = element('canvas', { width: EXTENT, height: EXTENT, role: 'img', 'aria-label': `a drawn ${label}` })
  const context = canvas.getContext('2d')
  if (context === null) return canvas
  const image = context.createImageData(EXTENT, EXTENT)
  pixels.forEach((grey, index) => {
    image.data.set([255, 255, 255, Math.round(255 * grey)], 4 * index)
  })
  context.putImageData(image, 0, 0)
  return canvas
}

export const specimenRow = (): Specimens => {
  const list = element('ul', { class: 'specimens' })
  let marks: readonly { readonly label: number; readonly place: HTMLElement; readonly item: HTMLElement }[] = []
  const root = element(
    'figure',
    { class: 'figure', 'data-figure': 'specimens' },
    element(
      'figcaption',
      {},
      element('h4', {}, 'Twelve digits it has not seen'),
      element('p', { class: 'why' }, 'Below each, what the network takes it for; a cross where it is wrong.'),
    ),
    list,
  )
  return {
    root,
    show: (specimens) => {
      marks = specimens.map((specimen) => {
        const place = element('span', { class: 'guess' }, '?')
        return { label: specimen.label, place, item: element('li', {}, picture(specimen), place) }
      })
      list.replaceChildren(...marks.map(({ item }) => item))
    },
    guess: (guesses) => {
      marks.forEach(({ label, place, item }, index) => {
        const guess = guesses?.[index]
        say(place, guess === undefined ? '?' : guess === label ? String(guess) : `${guess} ✗`)
        item.classList.toggle('wrong', guess !== undefined && guess !== label)
      })
    },
  }
}
