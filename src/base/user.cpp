#include "user.hpp"

#include <charconv>
#include <cstddef>
#include <sstream>
#include <string>

namespace bab::detail {

User user(const System& system) {
  User who;
  for (const std::string& line : system.lines("proc/self/status")) {
    const std::size_t tab = line.find_last_of('\t');
    if (tab == std::string::npos) continue;
    if (line.starts_with("Uid:")) {  // real, effective, saved, file system
      std::istringstream words(line.substr(4));
      words >> who.real_uid >> who.uid;
    } else if (line.starts_with("CapEff:")) {
      (void)std::from_chars(line.data() + tab + 1, line.data() + line.size(), who.capabilities, 16);
    }
  }
  return who;
}

}  // namespace bab::detail
