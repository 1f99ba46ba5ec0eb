#include <bab/detail/local_writer_impl.hpp>

namespace bab {

template class BasicLocalWriter<RealAtom>;
template class BasicLocalWriter<RealAtom, false>;

}  // namespace bab
