// Not a header to include: what most unit tests include, compiled once for them all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/bab.hpp>
