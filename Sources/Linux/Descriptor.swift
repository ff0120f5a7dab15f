import CLinux
import Glibc

/// An owned file descriptor, closed when its owner goes.
package struct Descriptor: ~Copyable, Sendable {
  package let rawValue: Int32

  package init(_ rawValue: Int32) { self.rawValue = rawValue }

  /// Gives the descriptor up: the caller closes it.
  package consuming func release() -> Int32 {
    let value = rawValue
    discard self
    return value
  }

  deinit { close(rawValue) }
}
