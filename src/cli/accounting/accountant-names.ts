/**
 * The accountants, by the names that a command line has for them.
 */
export const accountantNames = ['exact', 'pld', 'prv', 'rdp', 'gdp', 'approximate-dp', 'allocation'] as const
export type AccountantName = (typeof accountantNames)[number]
