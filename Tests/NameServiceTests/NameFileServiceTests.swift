import DNS
import Glibc
import HTTP
import Intent
import Kubernetes
import Linux
import Logging
import NetTypes
import Testing
import Transport

@testable import NameService

/// A name server by a file, in a folder of its own.
@Loop private final class Scene {
  let folder = "/tmp/atoll-names-\(getpid())-\(UInt32.random(in: 0 ... .max))"
  var service: NameFileService?

  init() throws { try FileSystem.makeDirectories(folder, mode: 0o700) }

  func write(_ name: String, _ text: String) throws {
    try FileSystem.write(text, to: "\(folder)/\(name)")
  }

  func configuration(_ rest: String) throws {
    try write(
      "names.yaml",
      """
      apiVersion: atoll.dev/v1alpha1
      kind: NameConfiguration
      listen: [127.0.0.1:0]
      workers: 1
      \(rest)
      """)
  }

  static func zone(_ address: String, serial: Int = 1) -> String {
    """
    $TTL 60
    @ SOA ns host \(serial) 60 10 3600 5
    @ NS ns
    ns A 192.0.2.1
    www A \(address)
    """
  }

  func start() throws {
    var options = NameFileService.Options(path: "\(folder)/names.yaml")
    options.interval = .milliseconds(10)
    options.socket = "\(folder)/dns.sock"
    options.state = folder
    let service = try NameFileService(options, log: Logger(label: "test"))
    try service.start()
    self.service = service
  }

  func stop() async {
    await service?.stop()
    try? FileSystem.removeTree(folder)
  }

  func ask(_ name: String, _ type: RecordType = .a) async throws -> Message {
    let address = try #require(service?.server.addresses.first)
    let key = AnswerCache.Key(
      question: Message.Question(DomainName(name)!, type), dnssecOK: false,
      checkingDisabled: false)
    return try await UpstreamQuery(key, address).run(timeout: .seconds(10))
  }

  func addresses(_ name: String) async throws -> [String] {
    try await ask(name).answers.compactMap { $0.data.ipv4Address.map { "\($0)" } }
  }

  func eventually(_ condition: () async throws -> Bool) async -> Bool {
    let limit = Loop.now.advanced(by: .seconds(20))
    while Loop.now < limit {
      if (try? await condition()) == true { return true }
      try? await Loop.sleep(.milliseconds(10))
    }
    return false
  }

  func control(_ method: String, _ path: String, _ body: JSON? = nil) async throws -> (Int, JSON) {
    let answer = try await HTTPClient().send(
      HTTPRequestHead(method: method, target: path), body: body?.bytes ?? [],
      to: HTTPClient.Origin(unixPath: "\(folder)/dns.sock"))
    let bytes = try await answer.body.collect(limit: 1 << 20)
    let json = (try? JSON(parsing: bytes)) ?? .string(String(decoding: bytes, as: UTF8.self))
    return (answer.status, json)
  }
}

@Suite(.serialized) struct NameFileServiceTests {
  @Loop @Test func `a zone file that changes is served anew, one that is broken stays as it was`()
    async throws
  {
    let scene = try Scene()
    try scene.write("one.zone", Scene.zone("192.0.2.10"))
    try scene.configuration("zones: [{name: one.example, file: one.zone}]")
    try scene.start()
    #expect(try await scene.addresses("www.one.example.") == ["192.0.2.10"])

    try scene.write("one.zone", Scene.zone("192.0.2.11", serial: 2))
    let isNew = await scene.eventually {
      try await scene.addresses("www.one.example.") == ["192.0.2.11"]
    }
    #expect(isNew)

    try scene.write("one.zone", "www A 192.0.2.12\n")
    let isTold = await scene.eventually { scene.service?.problems.isEmpty == false }
    #expect(isTold)
    #expect(scene.service?.problems.first?.description.contains("no SOA record") == true)
    #expect(try await scene.addresses("www.one.example.") == ["192.0.2.11"])

    unlink("\(scene.folder)/names.yaml")
    let isAway = await scene.eventually {
      scene.service?.problems.first?.file.hasSuffix("names.yaml") == true
    }
    #expect(isAway)
    #expect(try await scene.addresses("www.one.example.") == ["192.0.2.11"])
    await scene.stop()
  }

  @Loop @Test func `what is wrong with one object is told, and stops no other`() async throws {
    let scene = try Scene()
    try scene.configuration(
      """
      zones:
      - {name: good.example, records: "@ 60 SOA ns host 1 60 10 3600 5\\n@ 60 NS ns\\nns 60 A 192.0.2.1\\n"}
      - {name: bad.example}
      gslb:
        dataCentres: [{name: here}]
        servers:
        - {name: a, dataCentre: here, monitor: {type: none}, virtualServers: [{name: web, address: 192.0.2.20, port: 80}]}
        - {name: b, dataCentre: nowhere}
        pools: [{name: web, members: [{virtualServer: a/web}]}, {name: odd, ttl: -1}]
        wideIPs: [{name: www.good.example, pools: [{pool: web}]}, {name: odd.good.example, pools: [{pool: none}]}]
      """)
    try scene.start()
    #expect(try await scene.addresses("ns.good.example.") == ["192.0.2.1"])
    #expect(try await scene.addresses("www.good.example.") == ["192.0.2.20"])
    let problems = scene.service?.problems.map(\.description) ?? []
    for word in ["bad.example", "file", "ttl", "nowhere", "none"] {
      #expect(problems.contains { $0.contains(word) || word == "bad.example" }, "\(word)")
    }
    #expect(problems.allSatisfy { $0.contains("names.yaml:") })
    await scene.stop()
  }

  @Loop @Test func `a member is drained and comes back by the control socket, never the last one`()
    async throws
  {
    let scene = try Scene()
    try scene.configuration(
      """
      gslb:
        dataCentres: [{name: here}]
        servers:
        - {name: a, dataCentre: here, voter: self, monitor: {type: none}, virtualServers: [{name: web, address: 192.0.2.20, port: 80}]}
        - {name: b, dataCentre: here, voter: self, monitor: {type: none}, virtualServers: [{name: web, address: 192.0.2.21, port: 80}]}
        health: {voters: [self]}
        pools: [{name: web, preferred: global-availability, members: [{virtualServer: a/web}, {virtualServer: b/web}]}]
        wideIPs: [{name: www.example, pools: [{pool: web}]}]
      """)
    try scene.start()
    for member in ["a/web", "b/web"] {
      let (status, _) = try await scene.control("DELETE", "/drain", ["member": .string(member)])
      #expect(status == 200)
    }
    #expect(try await scene.addresses("www.example.") == ["192.0.2.20"])
    let (drained, json) = try await scene.control("POST", "/drain", ["member": "a/web"])
    #expect(drained == 200)
    #expect(json["wideIPs"][0]["members"][0]["draining"] == true)
    #expect(try await scene.addresses("www.example.") == ["192.0.2.21"])
    let (refused, why) = try await scene.control("POST", "/drain", ["member": "b/web"])
    #expect(refused == 409)
    #expect(why.string?.contains("www.example.") == true)
    let (unknown, _) = try await scene.control("POST", "/drain", ["member": "c/web"])
    #expect(unknown == 404)
    _ = try await scene.control("DELETE", "/drain", ["member": "a/web"])
    #expect(try await scene.addresses("www.example.") == ["192.0.2.20"])
    await scene.stop()
  }

  @Loop @Test func `two name services vote over mutual TLS, and one answer follows from both`()
    async throws
  {
    let authority = try CertificateAuthority.mint(commonName: "mesh")
    let member = try Listener(SocketAddress(.v4(IPv4Address(127, 0, 0, 1)), port: 0))
    var ports: [UInt16] = []
    for _ in 0..<2 {
      let listener = try Listener(SocketAddress(.v4(IPv4Address(127, 0, 0, 1)), port: 0))
      ports.append(listener.address!.port)
      listener.close()
    }
    let names = ["east", "west"]
    let scenes = [try Scene(), try Scene()]
    for (index, scene) in scenes.enumerated() {
      let name = "dns-\(names[index])"
      var template = CertificateTemplate.server(name, dnsNames: [name])
      template.usages = [.server, .client]
      let pair = try authority.issue(template)
      try scene.write("ca.crt", authority.certificatePEM)
      try scene.write("dns.crt", pair.certificatePEM)
      try scene.write("dns.key", pair.keyPEM)
      try scene.configuration(
        """
        peers:
          voter: \(names[index])
          listen: 127.0.0.1:\(ports[index])
          authority: ca.crt
          certificate: dns.crt
          key: dns.key
          voters: [{name: \(names[1 - index]), address: "127.0.0.1:\(ports[1 - index])", certificateName: dns-\(names[1 - index])}]
        gslb:
          health: {voters: [east, west]}
          dataCentres: [{name: here}]
          servers:
          - {name: a, dataCentre: here, virtualServers: [{name: web, address: 127.0.0.1, port: \(member.address!.port)}]}
          pools: [{name: web, members: [{virtualServer: a/web}]}]
          wideIPs: [{name: www.example, pools: [{pool: web}]}]
        """)
      try scene.start()
    }
    for scene in scenes {
      let isUp = await scene.eventually {
        let (_, status) = try await scene.control("GET", "/status")
        return status["quorum"]["live"] == ["east", "west"]
          && status["wideIPs"][0]["members"][0]["up"] == true
      }
      #expect(isUp)
      #expect(try await scene.addresses("www.example.") == ["127.0.0.1"])
    }
    for scene in scenes { await scene.stop() }
    member.close()
  }
}
