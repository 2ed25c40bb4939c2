/**
 * δ at many ε of one composition: contours are planned at fixed anchors, and each ε is read from the anchor next to it.
 */
import type { Bounds } from '../accountant.js'
import type { Neighbouring } from '../neighbouring.js'
import { type Composition, cumulants } from './composition.js'
import { type ContourOptions, defaultContour } from './contour-integral.js'
import { compositionsOf, type ExactCurve } from './curve.js'
import { agrees, type ContourReader, closedForm, contourReader, type Enclosure, enclose } from './enclosure.js'
import { saddlePoint } from './saddle-point.js'

/** Anchors are abscissas this far apart in their logarithms. */
const ANCHORS = 0.25

/** By how much an enclosure of log δ may be wider than one that was planned for its ε. */
const WIDEST = 1e-8

/**
 * The ε → enclosure of log δ. Which anchor answers depends on ε alone, so that answers do not depend on what was asked before.
 *
 * Cost       a saddle point and a reading; a contour and its self check for each new anchor
 */
export const profile = (
  composition: Composition,
  options: ContourOptions = defaultContour,
): ((epsilon: number) => Enclosure) => {
  const at = cumulants(composition)
  const anchors = new Map<number, ContourReader | undefined>()
  const anchor = (index: number): ContourReader | undefined => {
    if (anchors.has(index)) return anchors.get(index)
    const tilt = Math.exp(index * ANCHORS)
    const { value, mean, variance } = at(tilt)
    const curvature = variance + tilt ** -2 + (1 + tilt) ** -2
    const epsilon = Math.max(0, mean - 1 / tilt - 1 / (1 + tilt))
    const exponent = value - tilt * epsilon
    const logDelta = exponent - Math.log(tilt) - Math.log1p(tilt) - 0.5 * Math.log(2 * Math.PI * curvature)
    const reader =
      value < Infinity
        ? contourReader(composition, { tilt, exponent, logDelta, variance: curvature }, epsilon, options)
        : undefined
    const usable = reader !== undefined && agrees(composition, reader, epsilon, reader.read(epsilon), options)
    anchors.set(index, usable ? reader : undefined)
    return usable ? reader : undefined
  }
  return (epsilon) => {
    const closed = closedForm(composition, epsilon)
    if (closed !== undefined) return closed
    const { tilt } = saddlePoint(composition)(epsilon)
    const found = anchor(Math.round(Math.log(tilt) / ANCHORS))?.read(epsilon)
    return found !== undefined && found.upper - found.lower <= WIDEST ? found : enclose(composition, options)(epsilon)
  }
}

/** δ at many ε of one curve, the worse of both directions. */
export const profileOf =
  (neighbouring: Neighbouring, options: ContourOptions) =>
  (curve: ExactCurve): ((epsilon: number) => Bounds) => {
    const readings = compositionsOf(neighbouring)(curve).map((composition) => profile(composition, options))
    return (epsilon) => {
      const found = readings.map((read) => read(epsilon))
      const worst = (end: 'lower' | 'estimate' | 'upper'): number =>
        found.reduce((most, one) => Math.max(most, Math.exp(one[end])), 0)
      const upper = worst('upper')
      const method = found.find((one) => Math.exp(one.upper) === upper)?.method ?? 'gaussian'
      return { lower: worst('lower'), estimate: worst('estimate'), upper, neighbouring, method }
    }
  }
