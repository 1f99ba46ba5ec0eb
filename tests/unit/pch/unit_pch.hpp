// Not a header to include: headers that most unit tests include, compiled once for all of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/bab.hpp>
