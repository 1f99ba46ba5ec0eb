#include <bab/detail/shared_writer_impl.hpp>

namespace bab {

template class BasicSharedWriter<RealAtom>;

}  // namespace bab
