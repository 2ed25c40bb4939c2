/**
 * In a page there is no vitest: laws that a bundle brings along are not run, and what they export is used.
 */
const nothing = (): void => undefined

export const describe: typeof nothing = nothing
export const it: typeof nothing = nothing
export const expect: typeof nothing = nothing
