import Glibc
import Linux
import Testing

/// What the cells of the matrix test, in the order of its columns.
enum Feature: String, CaseIterable, Sendable {
  case session = "routes"
  case churn = "churn"
  case ipv6 = "IPv6"
  case fourOctetAS = "AS4"
  case md5 = "MD5"
  case refresh = "refresh"
  case communities = "comm."
  case gracefulRestart = "GR"
  case shutdown = "shutdown"
  case extendedMessages = "long"
  case addPath = "ADD-PATH"
  case bfd = "BFD"
}

/// The outcome of every cell; printed when the suite has ended, for the log.
@Loop enum Matrix {
  enum Outcome {
    case passed
    case failed
    /// The implementation has no such thing.
    case notApplicable(String)

    var word: String {
      switch self {
      case .passed: "ok"
      case .failed: "FAILED"
      case .notApplicable: "n.a."
      }
    }
  }

  static var cells: [Feature: [Implementation: Outcome]] = [:]

  /// Cells that run at the same time: each is a daemon or two, and mostly waits.
  private static let width = 4
  private static var running = 0
  private static var waiting: [Waiter] = []

  static func enter() async throws {
    if running >= width {
      let waiter = Waiter()
      waiting.append(waiter)
      try await waiter.wait()
    }
    running += 1
  }

  static func leave() {
    running -= 1
    if !waiting.isEmpty { waiting.removeFirst().resume() }
  }

  private static var remarks: [String] = []

  /// A cell of a feature that the implementation does not have.
  static func note(_ feature: Feature, _ peer: Implementation, _ why: String) {
    cells[feature, default: [:]][peer] = .notApplicable(why)
  }

  /// A line below the table.
  static func log(_ line: String) { remarks.append(line) }

  static func show() async {
    var lines = [row("", Feature.allCases.map(\.rawValue))]
    var notes: [String] = []
    for peer in Implementation.allCases {
      let outcomes = Feature.allCases.map { cells[$0]?[peer] }
      lines.append(
        row(peer.rawValue, outcomes.map { $0?.word ?? (peer.isInstalled ? "not run" : "skipped") }))
      for (feature, outcome) in zip(Feature.allCases, outcomes) {
        if case .notApplicable(let why) = outcome {
          notes.append("\(peer.rawValue), \(feature.rawValue): \(why)")
        }
      }
    }
    var versions: [String] = []
    for peer in Implementation.allCases {
      versions.append(peer.isInstalled ? await peer.version() : "\(peer.rawValue) is not installed")
    }
    for line in lines + notes + remarks + [versions.joined(separator: "; ")] {
      print("interop: \(line)")
    }
  }

  private static func row(_ head: String, _ cells: [String]) -> String {
    ([head] + cells).map { $0 + String(repeating: " ", count: max(0, 10 - $0.count)) }.joined()
  }
}

/// Prints the matrix after the suite.
struct PrintsMatrix: SuiteTrait, TestScoping {
  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    do { try await function() } catch {
      await Matrix.show()
      throw error
    }
    await Matrix.show()
  }
}

extension SuiteTrait where Self == PrintsMatrix {
  static var printsMatrix: Self { PrintsMatrix() }
}
