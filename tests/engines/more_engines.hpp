#pragma once

#include "engine.hpp"

namespace testbab {

extern const Engine kTickEngine;
extern const Engine kEndlessEngine;

}  // namespace testbab
