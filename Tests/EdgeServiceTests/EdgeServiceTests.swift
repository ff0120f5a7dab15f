import Glibc
import HTTP
import KubeClient
import Kubernetes
import Linux
import NetTypes
import Telemetry
import Testing
import Transport
import Wire

@testable import EdgeService

/// An API server that lists what it is given, holds every watch open, and notes what is written.
@Loop final class FakeAPI {
  var lists: [String: [JSON]] = [:]
  /// By resource, what watches are told next.
  var events: [String: [JSON]] = [:]
  private(set) var patches: [String: JSON] = [:]
  private(set) var posts: [JSON] = []
  private(set) var server: HTTPServer?
  let address: SocketAddress

  /// - Parameter namespace: Where it listens; nil: here.
  init(in namespace: String? = nil) throws {
    func listen() throws -> Listener { try Listener(SocketAddress(.v4(.loopback), port: 0)) }
    let listener =
      if let namespace { try NetworkNamespace.open(named: namespace).with(listen) } else {
        try listen()
      }
    address = try #require(listener.address)
    let server = HTTPServer(listener: listener) { [unowned self] in answer($0) }
    server.start()
    self.server = server
  }

  private func answer(_ request: HTTPRequest) -> HTTPResponse {
    let target = request.target
    let resource = target.path.split(separator: "/").last.map(String.init) ?? ""
    if request.method == "PATCH" {
      patches[target.path] = (try? JSON(parsing: request.body)) ?? .null
    } else if request.method == "POST" {
      posts.append((try? JSON(parsing: request.body)) ?? .null)
    } else if target.queryValue("watch") != nil {
      return .stream(contentType: "application/json") { [weak self] writer in
        while let self {
          for event in events.removeValue(forKey: resource) ?? [] {
            try await writer.write(event.bytes + [10])
          }
          try await Loop.sleep(.milliseconds(20))
        }
      }
    } else if request.method == "GET" {
      let items = lists[resource] ?? []
      return json([
        "kind": "List", "apiVersion": "v1", "metadata": ["resourceVersion": "7"],
        "items": .array(items),
      ])
    }
    return json([:])
  }

  private func json(_ json: JSON) -> HTTPResponse {
    HTTPResponse(status: 200, contentType: "application/json", body: json.bytes)
  }
}

@Loop private final class NoRouter: EdgeRouter {
  func start() async throws {}
  func reload() {}
  var status: JSON { ["sessions": [], "routes": []] }
  func shell(_ line: String, session: String) async -> JSON {
    ["output": .string("\(session)> \(line)"), "prompt": "edge[0]# "]
  }
  func addMetrics(to page: inout MetricsPage) { page.add(.gauge, "atoll_bgp_routes", "Routes.", 0) }
  func announceShutdown() {}
  func withdraw() async {}
  func stop() async {}
}

@Loop private struct Scene {
  let directory: String
  let options: EdgeOptions
  let client = HTTPClient()

  /// Everything is on loopback: the virtual addresses are of 127/8, which needs no interface.
  init(api: SocketAddress, network: UInt8) throws {
    var template = Array("/tmp/atoll-edge-XXXXXX".utf8CString)
    let made = template.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
    }
    directory = try #require(made)
    let kubeconfig = directory + "/kubeconfig"
    try FileSystem.write(
      """
      clusters: [{name: a, cluster: {server: "http://\(api)"}}]
      contexts: [{name: a, context: {cluster: a, user: ""}}]
      """, to: kubeconfig)
    let net = IPv4Address(127, 77, network, 0)
    var options = EdgeOptions(
      name: "test", kubeconfig: kubeconfig, routerConfiguration: directory + "/router.conf",
      state: directory + "/edge", socket: directory + "/run/edge.sock",
      nodeAddress: .v4(.loopback), vipPrefix: IPPrefix(.v4(net), length: 24),
      ingressVIP: .v4(IPv4Address(127, 77, network, 10)))
    options.workers = 1
    options.drain = .milliseconds(50)
    options.vipInterface = "atoll-none"
    // The host's own rules are none of a test's.
    options.translatesSources = false
    self.options = options
  }

  func get(_ address: IPAddress, _ path: String) async throws -> (Int, String) {
    let url = try #require(HTTPURL("http://\(address)\(path)"))
    let response = try await client.get(url, timeout: .seconds(2))
    return (response.status, String(decoding: try await response.body.collect(), as: UTF8.self))
  }

  func control(_ method: String, _ path: String, _ body: String = "") async throws -> String {
    let response = try await client.send(
      HTTPRequestHead(method: method, target: path), body: Array(body.utf8),
      to: .init(unixPath: options.socket))
    return String(decoding: try await response.body.collect(), as: UTF8.self)
  }

  /// Asks until the answer is 200, for at most 10 s.
  func awaitAnswer(_ address: IPAddress, _ path: String) async throws -> String {
    let deadline = Loop.now.advanced(by: .seconds(10))
    while true {
      if let (status, text) = try? await get(address, path), status == 200 { return text }
      try #require(Loop.now < deadline, "no answer from \(address)\(path)")
      try await Loop.sleep(.milliseconds(20))
    }
  }

  func remove() { try? FileSystem.removeTree(directory) }
}

@Suite(.serialized) struct EdgeServiceTests {
  /// A Service with its one endpoint on `port` of loopback, and an Ingress to it.
  @Loop private func fill(_ api: FakeAPI, port: UInt16) {
    let metadata: JSON = ["name": "web", "namespace": "default", "resourceVersion": "3"]
    api.lists["services"] = [
      [
        "metadata": metadata, "apiVersion": "v1", "kind": "Service",
        "spec": ["type": "LoadBalancer", "ports": [["name": "http", "port": 80]]],
      ]
    ]
    var slice = metadata
    slice["labels"] = ["kubernetes.io/service-name": "web"]
    api.lists["endpointslices"] = [
      [
        "metadata": slice, "addressType": "IPv4", "kind": "EndpointSlice",
        "ports": [["name": "http", "port": JSON(Int(port))]],
        "endpoints": [["addresses": ["127.0.0.1"]]],
      ]
    ]
    api.lists["ingresses"] = [
      [
        "metadata": metadata, "kind": "Ingress", "apiVersion": "networking.k8s.io/v1",
        "spec": [
          "rules": [
            [
              "http": [
                "paths": [
                  [
                    "path": "/", "pathType": "Prefix",
                    "backend": ["service": ["name": "web", "port": ["number": 80]]],
                  ]
                ]
              ]
            ]
          ]
        ],
      ]
    ]
  }

  @Loop private func backend() throws -> HTTPServer {
    let server = HTTPServer(listener: try Listener(SocketAddress(.v4(.loopback), port: 0))) {
      HTTPResponse(status: 200, text: "backend \($0.target.path)")
    }
    server.start()
    return server
  }

  @Test @Loop
  func `objects are served at their addresses, and still when the API server is away`() async throws
  {
    let api = try FakeAPI()
    let backend = try backend()
    fill(api, port: try #require(backend.address).port)
    let scene = try Scene(api: api.address, network: 1)
    defer { scene.remove() }
    let edge = try EdgeService(scene.options, router: NoRouter())
    try await edge.start()
    let ingressVIP = scene.options.ingressVIP
    #expect(try await scene.awaitAnswer(ingressVIP, "/a") == "backend /a")
    let serviceVIP = scene.options.vipPrefix[11]
    #expect(try await scene.awaitAnswer(serviceVIP, "/b") == "backend /b")

    let written = "/api/v1/namespaces/default/services/web/status"
    let deadline = Loop.now.advanced(by: .seconds(5))
    while api.patches.count < 2, Loop.now < deadline { try await Loop.sleep(.milliseconds(10)) }
    #expect(
      api.patches[written]?["status"]["loadBalancer"]["ingress"][0]["ip"].string == "127.77.1.11")

    let status = try JSON(parsing: try await scene.control("GET", "/status"))
    #expect(status["apiServer"]["synced"].bool == true)
    let servers = status["virtualServers"].elements
    #expect(servers.compactMap { $0["address"].string }.sorted() == ["127.77.1.10", "127.77.1.11"])
    #expect(servers[0]["pools"][0]["members"][0]["health"].string == "up")
    let shell = try JSON(parsing: try await scene.control("POST", "/shell?session=7", "sh run"))
    #expect(shell["output"].string == "7> sh run")
    #expect(try await scene.control("GET", "/metrics").contains("atoll_bgp_routes 0\n"))

    await api.server?.stop()
    #expect(try await scene.get(ingressVIP, "/c").0 == 200)
    await edge.stop()
    scene.client.closeIdle()

    let again = try EdgeService(scene.options, router: NoRouter())
    try await again.start()
    #expect(try await scene.awaitAnswer(ingressVIP, "/d") == "backend /d")
    #expect(try await scene.awaitAnswer(serviceVIP, "/e") == "backend /e")
    #expect(!again.hasSynced)
    await again.stop()
    await backend.stop()
  }

  @Test @Loop
  func `an Ingress is served by its certificate, and a Secret that cannot serve stops no other`()
    async throws
  {
    let api = try FakeAPI()
    let backend = try backend()
    fill(api, port: try #require(backend.address).port)
    let authority = try CertificateAuthority.mint(commonName: "test")
    let pair = try authority.issue(.server("web", dnsNames: ["web.example"], addresses: []))
    let other = try authority.issue(.server("other", dnsNames: ["other.example"], addresses: []))
    func secret(_ name: String, _ certificate: String, _ key: String) -> JSON {
      [
        "kind": "Secret", "apiVersion": "v1", "type": "kubernetes.io/tls",
        "metadata": ["name": .string(name), "namespace": "default"],
        "data": [
          "tls.crt": .string(Base64.encode(Array(certificate.utf8))),
          "tls.key": .string(Base64.encode(Array(key.utf8))),
        ],
      ]
    }
    api.lists["secrets"] = [
      secret("bad", other.certificatePEM, pair.keyPEM),
      secret("good", pair.certificatePEM, pair.keyPEM),
    ]
    api.lists["ingresses"]?[0]["spec"]["tls"] = [
      ["secretName": "bad", "hosts": ["other.example"]],
      ["secretName": "good", "hosts": ["web.example"]], ["secretName": "missing"],
    ]
    let scene = try Scene(api: api.address, network: 3)
    defer { scene.remove() }
    let edge = try EdgeService(scene.options, router: NoRouter())
    try await edge.start()
    #expect(try await scene.awaitAnswer(scene.options.ingressVIP, "/a") == "backend /a")
    let client = HTTPClient(tls: try .client(trusted: authority.certificatePEM))
    var origin = HTTPClient.Origin(
      try #require(HTTPURL("https://\(scene.options.ingressVIP)/")))
    origin.serverName = "web.example"
    var answer = ""
    let deadline = Loop.now.advanced(by: .seconds(30))
    while answer.isEmpty, Loop.now < deadline {
      let response = try? await client.send(
        HTTPRequestHead(method: "GET", target: "/b", headers: ["Host": "web.example"]), to: origin)
      guard let response else {
        try await Loop.sleep(.milliseconds(20))
        continue
      }
      answer = String(decoding: try await response.body.collect(), as: UTF8.self)
    }
    #expect(answer == "backend /b")
    let complaints = Set(edge.plan?.complaints.map { "\($0.object.name): \($0.message)" } ?? [])
    #expect(complaints.contains { $0.hasPrefix("bad: data: key is") }, "\(complaints)")
    #expect(
      complaints.contains {
        $0.hasPrefix("web: spec.tls[2].secretName is missing, expected a Secret")
      }, "\(complaints)")
    client.closeIdle()
    await edge.stop()
    await backend.stop()
    await api.server?.stop()
  }

  @Test @Loop func `a second edge on the same socket is refused`() async throws {
    let api = try FakeAPI()
    let scene = try Scene(api: api.address, network: 2)
    defer { scene.remove() }
    let first = try EdgeService(scene.options, router: NoRouter())
    try await first.start()
    let second = try EdgeService(scene.options, router: NoRouter())
    await #expect(throws: SystemError.self) { try await second.start() }
    await second.stop()
    await first.stop()
    await api.server?.stop()
  }
}
