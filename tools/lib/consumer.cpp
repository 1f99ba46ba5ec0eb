// An application outside the tree, built by tools/check with the flags of bab.pc and nothing else.
#include <bab/bab.hpp>

#include <cstdio>

int main() { std::puts("built against bab.pc"); }
