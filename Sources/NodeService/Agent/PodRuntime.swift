import Kubernetes
import Linux
import NetTypes

/// What runs a node's containers. The simulated one of the tests and runc's behave alike.
@Loop package protocol PodRuntime: AnyObject {
  /// Makes sure that an image is here.
  func ensureImage(
    _ reference: String, policy: ContainerSpecification.PullPolicy
  ) async throws(PodLifecycle.ImageFailure) -> ImagePresence
  /// Creates and starts a container; returns its id.
  func start(_ launch: ContainerLaunch) async throws(PodLifecycle.StartFailure) -> String
  /// Sends a signal; one that is gone needs none.
  func signal(_ id: String, _ number: Int32)
  /// Runs a command inside; throws what kept it from running, or that time ran out.
  func execute(_ id: String, _ command: [String], limit: Duration) async throws -> ExecutionResult
  /// Frees what a dead container leaves but its log.
  func remove(_ id: String) async
  /// Every container that is known here, alive or dead, of this process or an earlier one.
  func containers() async -> [RuntimeContainer]
  /// Called with the id of each container that exits, also of those found by `containers`.
  var onExit: (@Loop (String, ContainerExit) -> Void)? { get set }
}

package struct ImagePresence: Hashable, Sendable {
  package var id: String
  /// Bytes; nil if not known.
  package var size: Int?
  /// Nil if it was here already.
  package var pullTime: Duration?

  package init(id: String, size: Int? = nil, pullTime: Duration? = nil) {
    self.id = id
    self.size = size
    self.pullTime = pullTime
  }
}

package struct ExecutionResult: Hashable, Sendable {
  package var exitCode: Int
  package var output: String

  package init(exitCode: Int, output: String) {
    self.exitCode = exitCode
    self.output = output
  }
}

package struct ContainerExit: Hashable, Sendable {
  package var code: Int
  package var signal: Int?
  package var isOutOfMemory: Bool
  package var finishedAt: Timestamp?

  package init(
    code: Int, signal: Int? = nil, isOutOfMemory: Bool = false, finishedAt: Timestamp? = nil
  ) {
    self.code = code
    self.signal = signal
    self.isOutOfMemory = isOutOfMemory
    self.finishedAt = finishedAt
  }
}

/// A container found at the start of the node's process.
package struct RuntimeContainer: Hashable, Sendable {
  package var id: String
  package var podUID: String
  package var name: String
  package var attempt: Int
  package var startedAt: Timestamp?
  /// Nil while it runs.
  package var exit: ContainerExit?
}

/// Everything a runtime needs to run one container, references resolved.
package struct ContainerLaunch: Hashable, Sendable {
  package struct Mount: Hashable, Sendable {
    package var source: String
    package var target: String
    package var isReadOnly: Bool
  }
  package struct Variable: Hashable, Sendable {
    package var name: String
    package var value: String
  }

  package var pod: PodSpecification
  package var container: ContainerSpecification
  package var attempt: Int
  /// Replaces the image's entry point; empty keeps it.
  package var command: [String]
  package var arguments: [String]
  package var environment: [Variable]
  package var mounts: [Mount]
  package var hostname: String
  /// The file that holds the pod's network namespace open; nil to share the node's.
  package var networkNamespace: String?
  /// Where standard output and error go.
  package var logPath: String
  /// Thousandths of a core.
  package var cpuLimit: Int64?
  package var cpuRequest: Int64?
  /// Bytes.
  package var memoryLimit: Int64?

  /// Unique on the node: a pod's container and its attempt.
  package var id: String {
    "\(pod.uid)-\(container.name)-\(attempt)"
  }
}

/// What joins pods to the network of their node.
@Loop package protocol PodNetwork: AnyObject {
  /// Makes the pod's namespace, or repairs what is missing of it; returns the file that holds it open.
  func setUp(_ pod: PodSpecification, addresses: [IPAddress]) async throws -> String
  func tearDown(podUID: String) async
  /// The pods whose namespaces exist.
  func existing() -> Set<String>
  /// The file of a pod's namespace, if it exists.
  func namespace(podUID: String) -> String?
}
