import Intent
import Kubernetes
import Linux
import NetTypes

/// Faults at their times, from a file.
///
/// ```yaml
/// apiVersion: atoll.dev/v1alpha1
/// kind: FaultTimeline
/// spec:
///   seed: 7
///   steps:
///   - {at: 5s, fault: kill unit west}
///   - {at: 20s, fault: heal}
/// ```
package struct FaultTimeline: Equatable, Sendable {
  package struct Step: Equatable, Sendable {
    package var at: Duration
    package var order: FaultOrder
    package var text: String
  }

  /// What chance chooses by, where the command does not say.
  package var seed: UInt64?
  /// In the order of their times.
  package var steps: [Step] = []

  /// - Throws: what is wrong, and in which step.
  package static func parse(_ text: String, file: String) throws -> FaultTimeline {
    let documents = try YAML.documents(text, file: file)
    guard let json = documents.first, documents.count == 1,
      json["kind"].string == "FaultTimeline", json["apiVersion"].string == "atoll.dev/v1alpha1"
    else {
      throw FileProblem(file: file, message: "expected atoll.dev/v1alpha1 FaultTimeline")
    }
    var timeline = FaultTimeline()
    timeline.seed = json["spec"]["seed"].int.flatMap { UInt64(exactly: $0) }
    for (index, step) in json["spec"]["steps"].elements.enumerated() {
      let field = "spec.steps[\(index)]"
      let at = step["at"].string ?? step["at"].int.map(String.init) ?? "nothing"
      guard let time = Duration(words: at) else {
        throw FileProblem(
          file: file, message: "\(field).at: found \"\(at)\", expected a time, as 5s")
      }
      let words = step["fault"].string ?? ""
      do throws(UnitError) {
        let order = try FaultOrder(words.split(separator: " ").map(String.init))
        timeline.steps.append(Step(at: time, order: order, text: words))
      } catch {
        throw FileProblem(file: file, message: "\(field).\(error)")
      }
    }
    timeline.steps.sort { $0.at < $1.at }
    return timeline
  }

  /// Does each step at its time; one that fails is told, and the others go on.
  /// - Parameter seed: In the place of the file's.
  @Loop package func run(
    seed: UInt64?, mesh: String? = nil, show: @escaping @Loop (String) -> Void
  ) async throws {
    let seed = seed ?? self.seed ?? UInt64.random(in: 0..<10000)
    show("seed \(seed)")
    var runner = try FaultRunner(seed: seed, mesh: mesh)
    let began = Loop.now
    for step in steps {
      try await Loop.sleep(Loop.now.duration(to: began.advanced(by: step.at)))
      do {
        for fault in try await runner.run(step.order) {
          show(fault.line(isHealed: step.order.isHealing))
        }
      } catch let error as CancellationError {
        throw error
      } catch {
        show("\(step.text): \(error)")
      }
    }
  }
}

extension Fault {
  /// `fault 3  kill unit west`, and how to undo it.
  package func line(isHealed: Bool) -> String {
    isHealed ? "healed   \(text)" : "fault \(number)  \(text): \(remedy)"
  }
}
