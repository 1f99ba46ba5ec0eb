#include <bab/memory/packet.hpp>

#include <algorithm>

namespace bab {

std::uint32_t Packet::scrape_shares(Account& account, std::uint32_t n) noexcept {
  // One stays with the remaining handles.
  const std::uint32_t own = std::min(n, account.shares - 1);
  account.shares -= own;
  std::uint32_t found = own;
  while (found < n && Shares<>::try_take(account.buffer)) ++found;
  return found;
}

}  // namespace bab
