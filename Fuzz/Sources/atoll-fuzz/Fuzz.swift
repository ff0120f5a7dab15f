import BGP
import CFuzzer
import Glibc
import HTTP
import Intent
import Kubernetes

/// One decoder a run: `atoll-fuzz TARGET [libFuzzer's arguments]`.
///
/// A target must never trap, and what it decodes must survive encoding where there is an encoder.
@main
enum Fuzz {
  typealias Target = (name: String, body: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32)

  static let targets: [Target] = routing + tls + delivery + names + mesh + [
    (
      "zebos",
      { bytes, count in
        let text = String(decoding: Fuzz.bytes(bytes, count), as: UTF8.self)
        guard let configuration = try? ZebosConfiguration(parsing: text) else { return 0 }
        guard let again = try? ZebosConfiguration(parsing: configuration.runningConfiguration)
        else { preconditionFailure("what was printed is not taken") }
        precondition(again == configuration, "what was printed reads back as something else")
        return 0
      }
    ),
    (
      "expression",
      { bytes, count in
        // A pattern, and after an end of line what it is to be found in.
        let text = String(decoding: Fuzz.bytes(bytes, count), as: UTF8.self)
        let parts = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let pattern = try? PathExpression(String(first)) else {
          return 0
        }
        _ = pattern.matches(String(parts.last ?? ""))
        return 0
      }
    ),
    (
      "http",
      { bytes, count in
        for role in [HTTPDecoder.Role.server, .client] {
          var decoder = HTTPDecoder(role: role)
          decoder.append(Fuzz.bytes(bytes, count))
          decoder.finish()
          while let event = try? decoder.next() { _ = event }
        }
        return 0
      }
    ),
    (
      "json",
      { bytes, count in
        guard let json = try? JSON(parsing: Fuzz.bytes(bytes, count)) else { return 0 }
        guard let again = try? JSON(parsing: json.bytes) else {
          preconditionFailure("what was serialized does not parse")
        }
        precondition(again.bytes == json.bytes, "serializing again gives another text")
        return 0
      }
    ),
    (
      "protobuf",
      { bytes, count in
        _ = try? Protobuf.decode(Fuzz.bytes(bytes, count))
        return 0
      }
    ),
    (
      "selector",
      { bytes, count in
        let text = String(decoding: Fuzz.bytes(bytes, count), as: UTF8.self)
        guard let selector = try? LabelSelector(parsing: text) else { return 0 }
        _ = selector.matches(["a": "b"])
        return 0
      }
    ),
  ]

  static func bytes(_ start: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
    Array(UnsafeBufferPointer(start: start, count: count))
  }

  static func main() {
    let words = CommandLine.arguments
    guard words.count > 1, let target = targets.first(where: { $0.name == words[1] }) else {
      print(targets.map(\.name).joined(separator: "\n"))
      return
    }
    var arguments = ([words[0]] + words.dropFirst(2)).map { strdup($0) }
    let code = atoll_run_fuzzer(Int32(arguments.count), &arguments, target.body)
    exit(code)
  }
}
