import Delivery
import Engine
import Foundation
import Glibc
import HTTP
import Kubernetes
import Linux
import NetTypes
import Synchronization
import Testing
import Transport

@testable import EdgeService

/// Clients that go on asking, some over one connection for long, some with a new one each time.
@Loop private final class Askers {
  private(set) var answers = 0
  private(set) var failures: [String] = []
  private var tasks: [Task<Void, Never>] = []
  private var isEnding = false

  init(port: UInt16, count: Int) throws {
    let url = try #require(HTTPURL("http://127.0.0.1:\(port)/"))
    for number in 0..<count {
      tasks.append(
        Task { @Loop in
          let lasting = HTTPClient()
          while !isEnding {
            let client = number % 2 == 0 ? lasting : HTTPClient()
            do {
              let answer = try await client.get(url)
              _ = try await answer.body.collect(limit: 1 << 16)
              if answer.status == 200 { answers += 1 } else { failures.append("\(answer.status)") }
            } catch {
              failures.append("\(error)")
            }
            if number % 2 == 1 { client.closeIdle() }
            // Some rest between two requests.
            if number % 4 == 0 { try? await Loop.sleep(.milliseconds(20)) }
          }
        })
    }
  }

  func more(_ count: Int) async throws {
    let goal = answers + count
    for _ in 0..<2000 where answers < goal { try await Loop.sleep(.milliseconds(5)) }
    try #require(answers >= goal)
  }

  func end() async {
    isEnding = true
    for task in tasks { await task.value }
  }
}

@Suite(.serialized) struct HandoverTests {
  @Loop private final class Scene {
    let folder: String
    let port: UInt16
    let backend: HTTPServer
    let backendPort: UInt16
    var left = 0

    init() throws {
      var template = Array("/tmp/atoll-edge-XXXXXX".utf8CString)
      folder = String(cString: mkdtemp(&template))
      port = try freePort()
      let listener = try Listener(SocketAddress(.v4(.loopback), port: 0))
      backend = HTTPServer(listener: listener) { _ in HTTPResponse(status: 200, text: "a") }
      backend.start()
      backendPort = try #require(listener.address).port
      try write()
    }

    func write(_ weight: String = "1") throws {
      try FileSystem.write(
        """
        apiVersion: atoll.dev/v1alpha1
        kind: EdgeConfiguration
        virtualServers:
        - {name: web, address: 127.0.0.1, port: \(port), protocol: http, pool: web}
        - {name: dns, address: 127.0.0.1, port: \(port), protocol: udp, pool: dns}
        pools:
        - name: web
          members:
          - {address: 127.0.0.1, port: \(backendPort), weight: \(weight)}
          - {address: 127.0.0.1, port: 1}
        - {name: dns, members: [{address: 127.0.0.1, port: 2}]}
        """, to: folder + "/edge.yaml")
    }

    var options: EdgeFileService.Options {
      var options = EdgeFileService.Options(path: folder + "/edge.yaml")
      options.socket = folder + "/edge.sock"
      options.workers = 2
      options.interval = .seconds(60)
      options.afterHandover = { [weak self] in self?.left += 1 }
      return options
    }

    func start() throws -> EdgeFileService {
      let edge = try EdgeFileService(options)
      try edge.start()
      return edge
    }

    func takeOver() async throws -> EdgeFileService {
      let inheritance = try await EdgeFileService.inherit(from: folder + "/edge.sock")
      let edge = try EdgeFileService(options)
      try await edge.start(after: inheritance)
      return edge
    }

    func end() async {
      await backend.stop(drain: .zero)
      try? FileManager.default.removeItem(atPath: folder)
    }
  }

  @Loop @Test func `one process after another takes over, and no request fails`() async throws {
    let scene = try Scene()
    var edge = try scene.start()
    let member = SocketAddress(.v4(.loopback), port: 1)
    try edge.engine.change(pool: "web", member: member, to: RuntimeChange(state: .disabled))
    let askers = try Askers(port: scene.port, count: 12)
    try await askers.more(100)
    for round in 1...5 {
      let next = try await scene.takeOver()
      try await askers.more(200)
      // The connections that the one before had are with the next one.
      for _ in 0..<1000 where scene.left < round { try await Loop.sleep(.milliseconds(5)) }
      #expect(scene.left == round)
      let counts = try #require(next.engine.snapshot().servers.first).counts
      #expect(counts.requests >= 100)
      #expect(next.engine.runtimeChange(pool: "web", member: member)?.state == .disabled)
      edge = next
    }
    await askers.end()
    #expect(askers.failures == [])
    #expect(
      try await EdgeClient(socket: scene.folder + "/edge.sock").dump()["pools"].elements.count == 2)
    await edge.stop()
    await scene.end()
  }

  @Loop @Test func `a next process that refuses its file leaves the one before serving`()
    async throws
  {
    let scene = try Scene()
    let edge = try scene.start()
    let askers = try Askers(port: scene.port, count: 4)
    try await askers.more(20)
    try scene.write("0")
    await #expect(throws: (any Error).self) { _ = try await scene.takeOver() }
    try await askers.more(50)
    // Once the file is right again, it goes.
    try scene.write()
    let next = try await scene.takeOver()
    try await askers.more(50)
    await askers.end()
    #expect(askers.failures == [])
    await next.stop()
    await edge.stop()
    await scene.end()
  }

  @Loop @Test func `a next process that dies before it serves leaves the one before as it was`()
    async throws
  {
    let scene = try Scene()
    let edge = try scene.start()
    do {
      // The sockets that were passed are closed with what they came in.
      let inheritance = try await EdgeFileService.inherit(from: scene.folder + "/edge.sock")
      #expect(inheritance.workers == 2)
    }
    let askers = try Askers(port: scene.port, count: 4)
    try await askers.more(50)
    await askers.end()
    #expect(askers.failures == [])
    let (status, _) = (try await EdgeClient(socket: scene.folder + "/edge.sock").status(), 0)
    #expect(status["workers"] == 2)
    await edge.stop()
    await scene.end()
  }

  @Loop @Test func `a program that ends at once is told, and the edge goes on`() async throws {
    let scene = try Scene()
    var options = scene.options
    options.arguments = ["/bin/false"]
    let edge = try EdgeFileService(options)
    try edge.start()
    let client = EdgeClient(socket: scene.folder + "/edge.sock")
    for (program, words) in [(nil, "exit code 1"), ("/no/such", "No such file")]
      as [(String?, String)]
    {
      do {
        _ = try await client.upgrade(executable: program)
        Issue.record("was taken over")
      } catch {
        #expect("\(error)".contains(words), "\(error)")
      }
    }
    let askers = try Askers(port: scene.port, count: 2)
    try await askers.more(20)
    await askers.end()
    #expect(askers.failures == [])
    await edge.stop()
    await scene.end()
  }
}
