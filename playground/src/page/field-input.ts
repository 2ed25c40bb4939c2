/**
 * A field on the page: a slider and a box for the exact number, which say the same.
 */
import * as E from 'fp-ts/lib/Either.js'
import { showInvalidParameter } from '../../../src/privacy/invalid-parameter.js'
import { element, say } from './element.js'
import { type Field, moved, parseField, positionOf, STOPS, valueAt } from './field.js'
import { shown, typed } from './number-text.js'

export interface FieldInput {
  readonly root: HTMLElement
  /** Shows a value that was chosen elsewhere. */
  readonly show: (value: number) => void
  readonly enable: (enabled: boolean) => void
}

/** Positions that a key moves the slider by; the arrows are the browser's own, where a value may take several positions. */
const keySteps: Readonly<Record<string, number>> = {
  ArrowRight: 1,
  ArrowUp: 1,
  ArrowLeft: -1,
  ArrowDown: -1,
  PageUp: STOPS / 10,
  PageDown: -STOPS / 10,
}

export const fieldInput = (field: Field, initial: number, choose: (value: number) => void): FieldInput => {
  const id = `field-${field.name}`
  let value = initial
  const problem = element('p', { id: `${id}-problem`, class: 'problem', role: 'alert' })
  const box = element('input', {
    type: 'text',
    id: `${id}-box`,
    class: 'box',
    inputmode: field.whole === true ? 'numeric' : 'decimal',
    autocomplete: 'off',
    spellcheck: 'false',
    'aria-describedby': `${id}-why ${id}-problem`,
    'aria-label': `${field.label} ${field.symbol}, exact`,
    size: 9,
  })
  const slider = element('input', {
    type: 'range',
    id: `${id}-slider`,
    class: 'slider',
    min: 0,
    max: STOPS,
    step: 1,
    'aria-describedby': `${id}-why`,
  })

  const showSlider = (): void => {
    slider.value = String(positionOf(field, value))
    slider.style.setProperty('--share', `${(100 * positionOf(field, value)) / STOPS}%`)
    slider.setAttribute('aria-valuetext', shown(value))
  }
  const showBox = (): void => {
    box.value = typed(value)
    box.removeAttribute('aria-invalid')
    say(problem, '')
  }
  const take = (next: number): void => {
    if (next === value) return
    value = next
    choose(next)
  }

  slider.addEventListener('input', () => {
    take(valueAt(field, Number(slider.value)))
    showBox()
    slider.style.setProperty('--share', `${(100 * Number(slider.value)) / STOPS}%`)
    slider.setAttribute('aria-valuetext', shown(value))
  })
  slider.addEventListener('keydown', (event) => {
    const by = keySteps[event.key]
    if (by === undefined || event.ctrlKey || event.altKey || event.metaKey) return
    event.preventDefault()
    take(moved(field, value, by))
    showBox()
    showSlider()
  })
  box.addEventListener('input', () => {
    const read = parseField(field)(box.value)
    box.toggleAttribute('aria-invalid', E.isLeft(read))
    if (E.isLeft(read)) {
      box.setAttribute('aria-invalid', 'true')
      say(problem, `${showInvalidParameter(read.left)}.`)
      return
    }
    say(problem, '')
    take(read.right)
    showSlider()
  })
  // What cannot be read goes back to what counts.
  box.addEventListener('change', showBox)

  showSlider()
  showBox()
  const root = element(
    'div',
    { class: 'field', 'data-field': field.name },
    element('label', { for: `${id}-slider`, class: 'field-label' }, field.label, ' ', element('var', {}, field.symbol)),
    box,
    slider,
    element('p', { id: `${id}-why`, class: 'why' }, field.why),
    problem,
  )
  return {
    root,
    show: (next) => {
      value = next
      showSlider()
      if (document.activeElement !== box) showBox()
    },
    enable: (enabled) => {
      slider.disabled = !enabled
      box.disabled = !enabled
    },
  }
}
