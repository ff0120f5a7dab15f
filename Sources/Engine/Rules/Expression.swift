import CPCRE2

/// A compiled Perl-compatible regular expression; immutable, so that threads may share it.
final class Expression: @unchecked Sendable {
  /// Steps that a match may take, so that no request can keep a worker: pcre2api(3), match limits.
  private static let stepLimit: UInt32 = 100_000

  fileprivate let code: OpaquePointer

  struct Failure: Error {
    /// What is wrong, and at which byte.
    var description: String
  }

  /// - Parameter whole: the subject must match from its first to its last byte.
  init(_ pattern: String, whole: Bool) throws(Failure) {
    var error: Int32 = 0
    var offset = 0
    let options = whole ? PCRE2_ANCHORED | UInt32(PCRE2_ENDANCHORED) : 0
    let compiled = Array(pattern.utf8).withUnsafeBufferPointer {
      pcre2_compile_8($0.baseAddress, $0.count, options, &error, &offset, nil)
    }
    guard let compiled else {
      var text = [UInt8](repeating: 0, count: 128)
      let length = pcre2_get_error_message_8(error, &text, text.count)
      let reason = String(decoding: text.prefix(max(0, Int(length))), as: UTF8.self)
      throw Failure(description: "\(reason), at byte \(offset)")
    }
    code = compiled
    // Not on every processor; without it the interpreter matches.
    pcre2_jit_compile_8(compiled, PCRE2_JIT_COMPLETE)
  }

  deinit { pcre2_code_free_8(code) }

  /// What one thread matches with: places of groups, reused.
  final class Matcher {
    private let data: OpaquePointer
    private let context: OpaquePointer

    init() {
      guard let data = pcre2_match_data_create_8(10, nil),
        let context = pcre2_match_context_create_8(nil)
      else { fatalError("no memory for a match") }
      pcre2_set_match_limit_8(context, Expression.stepLimit)
      self.data = data
      self.context = context
    }

    deinit {
      pcre2_match_data_free_8(data)
      pcre2_match_context_free_8(context)
    }

    func matches(_ expression: Expression, _ subject: UnsafeRawBufferPointer) -> Bool {
      let start = subject.assumingMemoryBound(to: UInt8.self).baseAddress
      return pcre2_match_8(expression.code, start, subject.count, 0, 0, data, context) > 0
    }

    /// A group of the last match; empty where it took no part.
    func group(_ index: Int, of subject: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
      guard index < Int(pcre2_get_ovector_count_8(data)),
        let places = pcre2_get_ovector_pointer_8(data)
      else { return UnsafeRawBufferPointer(rebasing: subject[..<0]) }
      let (start, end) = (places[index * 2], places[index * 2 + 1])
      guard start <= end, end <= subject.count else {
        return UnsafeRawBufferPointer(rebasing: subject[..<0])
      }
      return UnsafeRawBufferPointer(rebasing: subject[start..<end])
    }
  }
}
