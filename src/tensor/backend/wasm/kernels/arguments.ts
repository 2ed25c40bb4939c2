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
