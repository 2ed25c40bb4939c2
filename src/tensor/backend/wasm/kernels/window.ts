/**
 * The geometry of a convolution, from arguments 8 to 24 on. Patches are rows: one output position each, `rowBytes` apart,
 * [channel][kh][kw] within.
 */
import { argument } from './arguments'

// @inline
export function n(): i32 {
  return argument(8)
}
/** Input channels of a group. */
// @inline
export function c(): i32 {
  return argument(9)
}
// @inline
export function h(): i32 {
  return argument(10)
}
// @inline
export function w(): i32 {
  return argument(11)
}
/** Output channels of a group. */
// @inline
export function o(): i32 {
  return argument(12)
}
// @inline
export function groups(): i32 {
  return argument(13)
}
// @inline
export function kh(): i32 {
  return argument(14)
}
// @inline
export function kw(): i32 {
  return argument(15)
}
// @inline
export function strideH(): i32 {
  return argument(16)
}
// @inline
export function strideW(): i32 {
  return argument(17)
}
// @inline
export function padH(): i32 {
  return argument(18)
}
// @inline
export function padW(): i32 {
  return argument(19)
}
// @inline
export function dilationH(): i32 {
  return argument(20)
}
// @inline
export function dilationW(): i32 {
  return argument(21)
}
// @inline
export function oh(): i32 {
  return argument(22)
}
// @inline
export function ow(): i32 {
  return argument(23)
}
