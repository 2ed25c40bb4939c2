/** Where the host leaves jobs, within the control page: the arguments of a kernel, 32 bits each, and what else a job says. */
export const JOBS: usize = 32768

/** The job that this thread works on. */
let job: usize = JOBS

export function begin(at: usize): void {
  job = at
}

// @inline
export function argument(index: i32): i32 {
  return load<i32>(job + ((<usize>index) << 2))
}

/** An argument that is an address, or a stride in bytes. */
// @inline
export function address(index: i32): usize {
  return load<usize>(job + ((<usize>index) << 2))
}

/** A float64 in the place of two arguments. */
// @inline
export function double(index: i32): f64 {
  return load<f64>(job + ((<usize>index) << 2))
}
