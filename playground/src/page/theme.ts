/**
 * Light, dark, or as the system has it; what was chosen is kept.
 */

export type Theme = 'system' | 'light' | 'dark'

const themes: readonly Theme[] = ['system', 'light', 'dark']
const KEY = 'fp-dp theme'

/** A page in a sandbox has no storage, and may still be read. */
const stored = (): Theme => {
  try {
    return themes.find((theme) => theme === localStorage.getItem(KEY)) ?? 'system'
  } catch {
    return 'system'
  }
}

const store = (theme: Theme): void => {
  try {
    localStorage.setItem(KEY, theme)
  } catch {
    // It is not kept, then.
  }
}

const apply = (theme: Theme): void => {
  if (theme === 'system') document.documentElement.removeAttribute('data-theme')
  else document.documentElement.setAttribute('data-theme', theme)
}

/** Makes a group of radio buttons choose the theme. */
export const wireTheme = (group: HTMLElement): void => {
  const chosen = stored()
  apply(chosen)
  for (const radio of group.querySelectorAll('input')) {
    radio.checked = radio.value === chosen
    radio.addEventListener('change', () => {
      const theme = themes.find((one) => one === radio.value) ?? 'system'
      apply(theme)
      store(theme)
    })
  }
}
