/// Metrics in Prometheus' text exposition format 0.0.4, gathered when they are asked for.
package struct MetricsPage: Sendable {
  package enum Kind: String, Sendable { case counter, gauge, histogram }
  package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  private struct Family {
    var kind: Kind
    var help: String
    var samples: [String] = []
  }
  private var families: [String: Family] = [:]
  private var order: [String] = []

  package init() {}

  /// Adds one sample. Samples of one name share the first one's kind and help.
  package mutating func add(
    _ kind: Kind, _ name: String, _ help: String, _ value: some BinaryInteger,
    labels: KeyValuePairs<String, String> = [:]
  ) {
    add(kind, name, help, text: String(value), labels)
  }

  /// A sample in seconds, to the microsecond.
  package mutating func add(
    _ kind: Kind, _ name: String, _ help: String, seconds: Duration,
    labels: KeyValuePairs<String, String> = [:]
  ) {
    let (whole, attoseconds) = seconds.components
    let fraction = String(attoseconds / 1_000_000_000_000)
    let zeros = String(repeating: "0", count: max(0, 6 - fraction.count))
    add(kind, name, help, text: "\(whole).\(zeros)\(fraction)", labels)
  }

  /// A histogram of times.
  /// - Parameter buckets: How many lasted up to how many microseconds, each with all before it.
  package mutating func add(
    histogram name: String, _ help: String, buckets: [(microseconds: UInt64, count: UInt64)],
    count: UInt64, sum microseconds: UInt64, labels: [(key: String, value: String)]
  ) {
    func sample(_ suffix: String, _ value: String, _ bound: String? = nil) {
      append(
        .histogram, name, help, suffix: suffix, value, labels + (bound.map { [("le", $0)] } ?? []))
    }
    for bucket in buckets {
      sample("_bucket", "\(bucket.count)", Self.seconds(bucket.microseconds))
    }
    sample("_bucket", "\(count)", "+Inf")
    sample("_sum", Self.seconds(microseconds))
    sample("_count", "\(count)")
  }

  private static func seconds(_ microseconds: UInt64) -> String {
    let fraction = String(microseconds % 1_000_000)
    return
      "\(microseconds / 1_000_000).\(String(repeating: "0", count: 6 - fraction.count))\(fraction)"
  }

  private mutating func add(
    _ kind: Kind, _ name: String, _ help: String, text: String,
    _ labels: KeyValuePairs<String, String>
  ) {
    append(kind, name, help, suffix: "", text, labels.map { ($0.key, $0.value) })
  }

  private mutating func append(
    _ kind: Kind, _ name: String, _ help: String, suffix: String, _ text: String,
    _ labels: [(key: String, value: String)]
  ) {
    if families[name] == nil {
      families[name] = Family(kind: kind, help: help)
      order.append(name)
    }
    let pairs = labels.map { "\($0.key)=\"\(escaped($0.value))\"" }
    let braces = pairs.isEmpty ? "" : "{\(pairs.joined(separator: ","))}"
    families[name]?.samples.append("\(name)\(suffix)\(braces) \(text)")
  }

  package var text: String {
    var text = ""
    for name in order {
      guard let family = families[name] else { continue }
      text += "# HELP \(name) \(family.help)\n# TYPE \(name) \(family.kind.rawValue)\n"
      for sample in family.samples { text += sample + "\n" }
    }
    return text
  }

  private func escaped(_ value: String) -> String {
    var text = ""
    for character in value {
      switch character {
      case "\\": text += "\\\\"
      case "\"": text += "\\\""
      case "\n": text += "\\n"
      default: text.append(character)
      }
    }
    return text
  }
}
