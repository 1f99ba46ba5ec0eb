#include "user.hpp"

#include <cstddef>
#include <sstream>
#include <string>

#include "leading_number.hpp"

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
      who.capabilities = leading_number(line.substr(tab + 1), 16).value_or(0);
    }
  }
  return who;
}

}  // namespace bab::detail
