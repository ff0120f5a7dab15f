// Deflate and gzip, RFC 1951 and 1952: zlib.h is the manual.
#pragma once
#include <zlib.h>

/// A macro that fills in the version and size that zlib checks. `windowBits` beyond 15 asks for gzip.
static inline int atoll_deflate_init(z_stream *stream, int level) {
  return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}
