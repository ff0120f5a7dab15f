#pragma once
#include <stddef.h>
#include <stdint.h>

/// Runs libFuzzer's driver over `one`; Swift's own `main` stands where libFuzzer's would.
int atoll_run_fuzzer(int argc, char **argv, int (*one)(const uint8_t *bytes, size_t count));
