/**
 * What the host sees of the generators. Everything stands at fixed places of one page of memory: see `places.ts`.
 */
export { chacha } from './chacha'
export { normals } from './normal'
export { threefry } from './threefry'
