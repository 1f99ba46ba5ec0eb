#pragma once

namespace testbab {

/// Ticks of the TSC per second of CLOCK_MONOTONIC, measured once (it takes 20 ms) and to about 10
/// ppm. rte_get_tsc_hz() is rounded to 10 MHz where the CPU doesn't tell (most virtual machines):
/// up to 0.3 % off. Main thread.
double tsc_hz();

}  // namespace testbab
