import Glibc
import HTTP
import Linux
import NetTypes
import Testing
import Transport

@testable import EdgeService

/// The data plane alone, by a file that changes under it.
@Suite struct EdgeFileServiceTests {
  @Loop private final class Scene {
    let folder: String
    let path: String
    let port: UInt16
    var servers: [HTTPServer] = []
    private(set) var service: EdgeFileService?

    init() throws {
      var template = Array("/tmp/atoll-edge-XXXXXX".utf8CString)
      folder = String(cString: mkdtemp(&template))
      path = folder + "/edge.yaml"
      port = try freePort()
    }

    func write(_ text: String) throws { try FileSystem.write(text, to: path) }

    func backend(_ name: String) throws -> UInt16 {
      let listener = try Listener(SocketAddress(.v4(.loopback), port: 0))
      let server = HTTPServer(listener: listener) { _ in HTTPResponse(status: 200, text: name) }
      server.start()
      servers.append(server)
      return try #require(listener.address).port
    }

    func configuration(_ backend: UInt16, weight: String = "1") -> String {
      """
      apiVersion: atoll.dev/v1alpha1
      kind: EdgeConfiguration
      virtualServers:
      - {name: web, address: 127.0.0.1, port: \(port), protocol: http, pool: web}
      pools:
      - {name: web, members: [{address: 127.0.0.1, port: \(backend), weight: \(weight)}]}
      """
    }

    func start() throws {
      var options = EdgeFileService.Options(path: path)
      options.workers = 1
      options.interval = .milliseconds(10)
      let service = try EdgeFileService(options)
      self.service = service
      try service.start()
    }

    func get() async -> String? {
      guard let url = HTTPURL("http://127.0.0.1:\(port)/"),
        let response = try? await HTTPClient().get(url),
        let body = try? await response.body.collect(limit: 1 << 16)
      else { return nil }
      return String(validating: body, as: UTF8.self)
    }

    func answers(_ text: String?) async -> Bool {
      for _ in 0..<500 {
        if await get() == text { return true }
        try? await Loop.sleep(.milliseconds(10))
      }
      return false
    }

    func problem(containing text: String) async -> Bool {
      for _ in 0..<500 {
        if service?.problems.contains(where: { "\($0)".contains(text) }) == true { return true }
        try? await Loop.sleep(.milliseconds(10))
      }
      return false
    }

    func end() async {
      await service?.stop()
      for server in servers { await server.stop(drain: .zero) }
      unlink(path)
      rmdir(folder)
    }
  }

  @Loop @Test func `a change of the file changes what is served`() async throws {
    let scene = try Scene()
    let (a, b) = (try scene.backend("a"), try scene.backend("b"))
    try scene.write(scene.configuration(a))
    try scene.start()
    #expect(await scene.answers("a"))
    try scene.write(scene.configuration(b))
    #expect(await scene.answers("b"))
    await scene.end()
  }

  @Loop @Test func `a bad object is told by its line, and its last good version serves`()
    async throws
  {
    let scene = try Scene()
    let a = try scene.backend("a")
    try scene.write(scene.configuration(a))
    try scene.start()
    #expect(await scene.answers("a"))
    for (weight, words) in [("many", "edge.yaml:6:"), ("0", "expected 1 to 256")] {
      try scene.write(scene.configuration(a, weight: weight))
      #expect(await scene.problem(containing: words), "\(scene.service?.problems ?? [])")
      #expect(await scene.get() == "a")
    }
    await scene.end()
  }

  @Loop @Test(arguments: ["", "apiVersion: atoll.dev/v1alpha1\nkind: EdgeConfiguration\n", "{"])
  func `a file that is empty, cut short or gone deletes nothing`(_ text: String) async throws {
    let scene = try Scene()
    let a = try scene.backend("a")
    try scene.write(scene.configuration(a))
    try scene.start()
    #expect(await scene.answers("a"))
    try scene.write(text)
    #expect(await scene.problem(containing: "edge.yaml"))
    #expect(await scene.get() == "a")
    unlink(scene.path)
    #expect(await scene.problem(containing: "No such file"))
    #expect(await scene.get() == "a")
    try scene.write(scene.configuration(try scene.backend("b")))
    #expect(await scene.answers("b"))
    await scene.end()
  }

  @Loop @Test func `a file that is wrong as a whole starts nothing`() async throws {
    let scene = try Scene()
    try scene.write("kind: Edge")
    #expect(throws: (any Error).self) { try scene.start() }
    await scene.end()
  }
}

@Loop func freePort() throws -> UInt16 {
  let listener = try Listener(SocketAddress(.v4(.loopback), port: 0))
  return try #require(listener.address).port
}
