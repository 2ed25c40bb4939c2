/**
 * The page: its parts, put into their places, and the link that holds their settings.
 */
import { showInvalidParameter } from '../../src/privacy/invalid-parameter.js'
import { calculator } from './calculator/calculator.js'
import { byId, say } from './page/element.js'
import { linkOf, type PageSettings, settingsFromLink } from './page/link.js'
import { wireTheme } from './page/theme.js'
import { training } from './training/training.js'

wireTheme(byId('theme'))

const notice = byId('notice')

const readLink = (): PageSettings => {
  const { settings, problems } = settingsFromLink(location.hash)
  say(
    notice,
    problems.length === 0
      ? ''
      : `This link cannot be followed in full: ${problems.map(showInvalidParameter).join('; ')}. The page’s own values stand in.`,
  )
  notice.hidden = problems.length === 0
  return settings
}

let settings = readLink()

// Browsers refuse an address that changes too often.
let writing: ReturnType<typeof setTimeout> | undefined
const writeLink = (): void => {
  clearTimeout(writing)
  writing = setTimeout(() => {
    const link = linkOf(settings)
    history.replaceState(null, '', link === '' ? location.pathname + location.search : `#${link}`)
  }, 250)
}

const ask = calculator(
  { controls: byId('calculator-controls'), answer: byId('calculator-answer'), figures: byId('calculator-figures') },
  settings.query,
  (query) => {
    settings = { ...settings, query }
    writeLink()
  },
)
const train = training(
  { controls: byId('training-controls'), figures: byId('training-figures') },
  settings.training,
  (next) => {
    settings = { ...settings, training: next }
    writeLink()
  },
)

addEventListener('hashchange', () => {
  settings = readLink()
  ask.set(settings.query)
  train.set(settings.training)
})

const copied = byId('copied')
byId('copy-link').addEventListener('click', async () => {
  const url = new URL(location.href)
  url.hash = linkOf(settings)
  history.replaceState(null, '', url)
  try {
    await navigator.clipboard.writeText(url.href)
    say(copied, 'Copied. The link holds all settings of this page.')
  } catch {
    say(copied, 'The address bar holds the link: this browser does not let a page copy it.')
  }
})

byId('isolation').textContent = globalThis.crossOriginIsolated
  ? 'with threads, as this page is cross-origin isolated'
  : 'on one thread: threads need a server that isolates the page'
