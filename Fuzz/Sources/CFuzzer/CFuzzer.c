#include "CFuzzer.h"

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*one)(const uint8_t *bytes, size_t count));

int atoll_run_fuzzer(int argc, char **argv, int (*one)(const uint8_t *bytes, size_t count)) {
  return LLVMFuzzerRunDriver(&argc, &argv, one);
}
