/**
 * Labels of classes, and what becomes of a sample whose label is none.
 *
 * To throw would tell that its record is in the batch, which is private. So its loss and its cotangent are NaN: the gradient is not
 * finite either, adds exactly zero to a clipped sum, and is counted there.
 */

/** Is this one of the classes 0 … classes − 1? @internal */
export const isClass = (label: number, classes: number): boolean =>
  Number.isInteger(label) && label >= 0 && label < classes

/** The loss of a sample with a label that is no class; its gradient is filled. @internal */
export const noLoss = (gradient: Float64Array): number => {
  gradient.fill(Number.NaN)
  return Number.NaN
}
