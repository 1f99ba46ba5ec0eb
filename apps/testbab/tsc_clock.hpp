#pragma once

namespace testbab {

/// Ticks of the TSC per second of CLOCK_MONOTONIC, measured once (which takes 20 ms) and exact to
/// about 10 ppm. If the CPU doesn't tell its frequency (most virtual machines), rte_get_tsc_hz() is
/// rounded to 10 MHz and up to 0.3 % off. Main thread.
double tsc_hz();

}  // namespace testbab
