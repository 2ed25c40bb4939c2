/** Where the host leaves the arguments of a kernel: 32 bits each, within the control page. */
const ARGUMENTS: usize = 1024

// @inline
export function argument(index: i32): i32 {
  return load<i32>(ARGUMENTS + ((<usize>index) << 2))
}

/** An argument that is an address, or a stride in bytes. */
// @inline
export function address(index: i32): usize {
  return load<usize>(ARGUMENTS + ((<usize>index) << 2))
}

/** A float64 in the place of two arguments. */
// @inline
export function double(index: i32): f64 {
  return load<f64>(ARGUMENTS + ((<usize>index) << 2))
}
