#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace bench {

/// The result of measuring one side of a row once.
struct Slice {
  double ns = 0;                    ///< nanoseconds per message, or per unit of the row
  std::uint64_t interruptions = 0;  ///< involuntary context switches of the measuring threads
};

/// The two sides of a comparison, set up and ready: our side, and the floor that it is compared
/// with. Each side is measured for some milliseconds at a time, in turn. A row may have no floor.
class Row {
 public:
  Row() = default;
  Row(const Row&) = delete;
  Row& operator=(const Row&) = delete;
  virtual ~Row() = default;

  virtual Slice subject(double seconds) = 0;
  virtual Slice floor(double /*seconds*/) { return {}; }
};

enum class Lcores : std::uint8_t { kOne, kTwo };

/// One row of the table.
struct RowSpec {
  std::string name;
  std::string floor_name;  ///< empty: the row has no floor
  std::string unit;
  double goal;  ///< ratio to reach; 0: no goal
  Lcores lcores;
  std::function<std::unique_ptr<Row>()> make;
};

/// The results of a row: medians over all runs, in the row's unit.
struct Result {
  RowSpec spec;
  unsigned runs = 0;
  double ns = 0, min_ns = 0, max_ns = 0;
  double floor_ns = 0, floor_min_ns = 0, floor_max_ns = 0;
  double ratio = 0;        ///< ns / floor_ns
  double pingpong_ns = 0;  ///< one way; only in two-lcore rows
  std::uint64_t interruptions = 0;
  unsigned disturbed = 0;  ///< slices that were kept although every attempt was interrupted
};

using RowSpecs = std::vector<RowSpec>;

RowSpecs pool_rows();
RowSpecs packet_rows();
RowSpecs writer_rows();
RowSpecs shared_writer_rows();
RowSpecs framer_rows();
RowSpecs channel_rows();
RowSpecs bus_rows();
RowSpecs relay_rows();
RowSpecs ping_rows();
RowSpecs allocation_rows();
/// The loop engine beside other ways to do the same job. The peer is the row's `floor`.
RowSpecs peer_rows();
/// Cost per message as a quantity grows. These rows have no floor.
RowSpecs growth_rows();

}  // namespace bench
