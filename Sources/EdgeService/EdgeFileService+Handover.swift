import Delivery
import Engine
import Glibc
import HTTP
import Intent
import Kubernetes
import Linux
import Logging
import NetTypes
import Transport

/// One process after another on the same sockets, over the control socket of the first:
///
///     new ── POST /handover {socket} ──▶ old    passes its listening sockets to that socket
///     new    serves, beside the old one
///     new ── POST /handover/done ──────▶ old    accepts no more, ends what it has, leaves
///
/// `POST /upgrade {executable}` has the old process start the new one, with its own arguments, and
/// waits for its end of that. A new process that does not come so far leaves the old one serving.
extension EdgeFileService {
  /// What the process before gave.
  package struct Inheritance: Sendable {
    package var workers: Int
    var listeners: InheritedListeners
    var changes: [JSON]
  }

  /// Asks the edge at a control socket for its listening sockets.
  package static func inherit(from socket: String) async throws -> Inheritance {
    let path = "\(socket).\(getpid())"
    let listener = try InheritedListeners.listen(path).release()
    defer { unlink(path) }
    async let received = receive(listener)
    let answer = try await EdgeClient(socket: socket).exchange(
      "POST", "/handover", ["socket": .string(path)])
    return Inheritance(
      workers: answer["workers"].int ?? 1, listeners: try await received,
      changes: answer["changes"].elements)
  }

  /// On a thread of its own, as it waits.
  private nonisolated static func receive(_ listener: Int32) async throws -> InheritedListeners {
    try await withCheckedThrowingContinuation { continuation in
      Thread.spawn(name: "atoll-handover") {
        continuation.resume(
          with: Result { try InheritedListeners.receive(Descriptor(listener), within: 10) })
      }
    }
  }

  func refusal(_ problems: [FileProblem]) -> FileProblem {
    var first = problems[0]
    first.message += " (\(problems.count) in all; the edge before goes on)"
    return first
  }

  /// The control socket of the process before comes free in a moment; traffic does not wait for it.
  func startControlAfterHandover() async {
    for attempt in 0..<100 {
      do {
        try startControl()
        return
      } catch {
        await stopControl()
        if attempt == 99 { log.error("no control socket", metadata: ["why": "\(error)"]) }
      }
      try? await Loop.sleep(.milliseconds(50))
    }
  }

  /// The new process serves: takes over the changes of members and has the old one leave.
  func completeHandover(_ inheritance: Inheritance) async throws {
    for change in inheritance.changes {
      var own = RuntimeChange(weight: change["weight"].int)
      own.state = change["state"].string.flatMap(Member.State.init(rawValue:))
      let address = change["member"].string.flatMap { SocketAddress($0) }
      // A member that is not in this file has no change to keep.
      try? engine.change(pool: change["pool"].string ?? "", member: address, to: own)
    }
    guard let socket = options.socket else { return }
    _ = try await EdgeClient(socket: socket).exchange("POST", "/handover/done", [:])
    log.notice("taken over", metadata: ["from": "\(socket)"])
  }

  // MARK: The old process

  func answerHandover(_ request: HTTPRequest) async -> HTTPResponse? {
    switch (request.method, request.target.path) {
    case ("POST", "/handover"):
      guard let json = try? JSON(parsing: request.body), let path = json["socket"].string else {
        return EdgeControl.json(422, ["reason": "found no socket, expected {\"socket\": PATH}"])
      }
      do {
        try engine.passListeners(to: path)
      } catch {
        return EdgeControl.json(500, ["reason": .string("\(error)")])
      }
      let changes = engine.runtimeChanges.map { pool, member, change -> JSON in
        [
          "pool": .string(pool), "member": .string("\(member)"),
          "state": JSON(change.state?.rawValue), "weight": JSON(change.weight),
        ]
      }
      return EdgeControl.json(
        200, ["workers": JSON(engine.workerCount), "changes": .array(changes)])
    case ("POST", "/handover/done"):
      leave()
      return EdgeControl.json(200, [:])
    case ("POST", "/upgrade"):
      let json = (try? JSON(parsing: request.body)) ?? [:]
      do {
        let pid = try await upgrade(json["executable"].string)
        return EdgeControl.json(200, ["pid": JSON(Int(pid))])
      } catch {
        return EdgeControl.json(500, ["reason": .string("\(error)")])
      }
    default: return nil
    }
  }

  /// Accepts no more, frees the control socket for the process that took over, and ends what is here.
  private func leave() {
    guard !isLeaving else { return }
    isLeaving = true
    log.notice("handed over, draining")
    timer?.cancel()
    hasLeft?.resume()
    Task { @Loop in
      async let freed: Void = stopControl()
      await engine.handedOver(options.handoverDrain)
      await freed
      // These counts go with this process.
      let dropped = engine.snapshot().accessLogs.reduce(0) { $0 + $1.dropped }
      log.notice("drained", metadata: ["droppedLogLines": "\(dropped)"])
      options.afterHandover()
    }
  }

  /// Starts the next process, and waits until it has taken over.
  /// - Throws: how it ended instead; this process goes on.
  private func upgrade(_ executable: String?) async throws -> Int32 {
    guard !isLeaving, !isUpgrading else { throw EdgeRefusal("an upgrade is under way") }
    isUpgrading = true
    defer { isUpgrading = false }
    var arguments = options.arguments
    guard !arguments.isEmpty else { throw EdgeRefusal("this edge was not started by a command") }
    if let executable { arguments[0] = executable }
    if !arguments.contains("--take-over") { arguments.append("--take-over") }
    let child = try ChildProcess.spawn(arguments)
    let done = Waiter()
    hasLeft = done
    defer { hasLeft = nil }
    let watch = Task { @Loop in
      let ending = try? await child.wait()
      done.resume()
      return ending
    }
    let limit = Loop.after(options.upgradeTime) { done.resume() }
    try? await done.wait()
    limit.cancel()
    if isLeaving { return child.pid }
    if !child.isRunning, let ending = await watch.value {
      throw EdgeRefusal("\(arguments[0]) \(ending) before it had taken over: see the edge's log")
    }
    child.signal(SIGKILL)
    throw EdgeRefusal(
      "\(arguments[0]) had not taken over after \(options.upgradeTime), and was ended")
  }
}
