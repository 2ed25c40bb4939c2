/**
 * The 16-point rule of Gauss and Legendre on [−1, 1].
 */
const HALF: readonly (readonly [node: number, weight: number])[] = [
  [0.09501250983763744, 0.1894506104550685],
  [0.2816035507792589, 0.1826034150449236],
  [0.4580167776572274, 0.1691565193950025],
  [0.6178762444026438, 0.1495959888165767],
  [0.755404408355003, 0.1246289712555339],
  [0.8656312023878318, 0.0951585116824928],
  [0.9445750230732326, 0.0622535239386479],
  [0.9894009349916499, 0.0271524594117541],
]

/** Nodes and weights: exact for polynomials of degree 31. */
export const gaussLegendre16: readonly { readonly node: number; readonly weight: number }[] = HALF.flatMap(
  ([node, weight]) => [
    { node, weight },
    { node: -node, weight },
  ],
)
