import Glibc
import KubeClient
import Kubernetes
import Linux
import NetTypes

/// Takes a unit's edge out of traffic, and brings it back.
///
/// The edge announces GRACEFUL_SHUTDOWN, takes no more connections, lets those it has end, withdraws
/// its routes and stops. A mark in the unit's runtime folder keeps the supervisor from starting it.
@Loop package struct EdgeDrain {
  private let record: UnitRecord
  private let log: ProgressLog
  private let deadline: Instant

  package init(
    _ record: UnitRecord, wait: Duration, show: @escaping @Loop (Progress) -> Void
  ) throws {
    try Preflight.checkRoot()
    self.record = record
    log = ProgressLog(show: show)
    deadline = Loop.now.advanced(by: wait)
  }

  private var mark: String { record.directory.drainMark(of: "edge") }
  private var process: ProcessFile { ProcessFile(record.directory.pidFile(of: "edge")) }
  private var control: RouterControl { RouterControl(socket: record.directory.edgeSocket) }

  package func drain() async throws {
    if FileSystem.exists(mark), !process.isLive {
      throw UnitError("the edge is drained already: --undo brings it back")
    }
    guard process.isLive else {
      throw UnitError("the edge does not run: `atoll up --name \(record.name)` repairs it")
    }
    try await log.step("edge") {
      try FileSystem.write("", to: mark)
      _ = try await control.exchange("POST", "/drain")
      return ((), "announces GRACEFUL_SHUTDOWN and takes no more connections")
    }
    try await log.step("flows") {
      while process.isLive {
        let active = try? await control.status()["drain"]["activeConnections"].int
        guard Loop.now < deadline else {
          throw UnitError(
            "flows: \(active ?? 0) connections are still open; the edge goes on draining, and stops "
              + "when they have ended: --undo brings it back then")
        }
        try await Loop.sleep(.milliseconds(50))
      }
      return ((), "all have ended, routes are withdrawn")
    }
    log.notice("the edge is drained and stopped; --undo or `atoll up` brings it back")
  }

  package func undo() async throws {
    guard FileSystem.exists(mark) else { throw UnitError("the edge is not drained") }
    try await log.step("edge") {
      unlink(mark)
      while true {
        if let status = try? await control.status(), status["drain"].isNull { break }
        guard Loop.now < deadline else {
          throw UnitError("edge: not back yet: atoll logs edge, atoll logs supervisor")
        }
        try await Loop.sleep(.milliseconds(50))
      }
      return ((), "serves again")
    }
  }
}
