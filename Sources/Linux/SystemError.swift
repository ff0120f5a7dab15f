import CLinux
import Glibc

/// A failed system call: which one, on what, and errno.
package struct SystemError: Error, Equatable, CustomStringConvertible {
  package let call: String
  package let subject: String
  package let code: Int32

  package init(_ call: String, _ subject: String = "", code: Int32 = errno) {
    self.call = call
    self.subject = subject
    self.code = code
  }

  /// The text of errno, as `No such file or directory`.
  package var reason: String { String(cString: strerror(code)) }

  package var description: String {
    subject.isEmpty ? "\(call): \(reason)" : "\(call) \(subject): \(reason)"
  }
}

/// Returns `result` unless it is -1, which becomes a `SystemError`; retries on EINTR.
@discardableResult
package func system<Result: FixedWidthInteger & SignedInteger>(
  _ call: String, _ subject: @autoclosure () -> String = "", _ body: () -> Result
) throws(SystemError) -> Result {
  while true {
    let result = body()
    if result != -1 { return result }
    let code = errno
    if code != EINTR { throw SystemError(call, subject(), code: code) }
  }
}
