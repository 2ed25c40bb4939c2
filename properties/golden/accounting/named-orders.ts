/**
 * Lists of Rényi orders that the golden file of privacy accounting names in words.
 */
const range = (from: number, to: number, step = 1): readonly number[] =>
  Array.from({ length: Math.round((to - from) / step) + 1 }, (_, i) => from + i * step)
const tenths = range(11, 109).map((x) => x / 10)

export const namedOrders: Readonly<Record<string, readonly number[]>> = {
  '1.1..10.9 step 0.1, 12..63': [...tenths, ...range(12, 63)],
  '1.1..10.9 step .1, 12..63': [...tenths, ...range(12, 63)],
  '2..32': range(2, 32),
  '[1.25,1.5,1.75,2,2.25,2.5,3,3.5,4,4.5]+5..63+[128,256,512]': [
    ...[1.25, 1.5, 1.75, 2, 2.25, 2.5, 3, 3.5, 4, 4.5],
    ...range(5, 63),
    ...[128, 256, 512],
  ],
  'dp_accounting DEFAULT_RDP_ORDERS': [...tenths, ...range(11, 63), 128, 256, 512, 1024],
}
export const GOOGLE_ORDERS = 'dp_accounting DEFAULT_RDP_ORDERS'
export const defaultOrders = namedOrders[GOOGLE_ORDERS] as readonly number[]
