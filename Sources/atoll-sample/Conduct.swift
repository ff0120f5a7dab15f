import Glibc
import HTTP
import Kubernetes
import Synchronization

/// How the server behaves, for who wants to see what a broken one does: `POST /control/answer/500`,
/// `/control/hang`, `/control/behave`. Until told otherwise, as it should.
final class Conduct: Sendable {
  private static let behaving = 0
  private static let hanging = -1
  /// How long a request hangs at most, in seconds.
  private static let patience = 60

  /// A status to answer with, or one of the above.
  private let state = Atomic(behaving)

  func serve(_ answer: @escaping @Sendable (Request) -> Answer) -> @Sendable (Request) -> Answer {
    { request in
      if request.head.method == "POST", request.path.hasPrefix("/control/") {
        return self.control(request.path.dropFirst("/control/".count))
      }
      switch self.state.load(ordering: .relaxed) {
      case Self.behaving: return answer(request)
      case Self.hanging:
        self.hang()
        return answer(request)
      case let status: return Answer(status: status, body: Array("told to answer \(status)\n".utf8))
      }
    }
  }

  private func control(_ order: Substring) -> Answer {
    let words = order.split(separator: "/")
    switch (words.first, words.dropFirst().first.flatMap { Int($0) }) {
    case ("behave", nil): state.store(Self.behaving, ordering: .relaxed)
    case ("hang", nil): state.store(Self.hanging, ordering: .relaxed)
    case ("answer", .some(let status)) where (200...599).contains(status):
      state.store(status, ordering: .relaxed)
    default:
      return Answer(status: 404, body: Array("expected answer/STATUS, hang or behave\n".utf8))
    }
    let text = (["conduct": JSON(String(order))] as JSON).text
    return Answer(type: "application/json", body: Array(text.utf8))
  }

  private func hang() {
    for _ in 0..<(Self.patience * 20)
    where state.load(ordering: .relaxed) == Self.hanging { usleep(50_000) }
  }
}
