import DNS
import Glibc
import Kubernetes
import NetTypes

/// `/lookup/NAME`: the IPv4 addresses of a name as a process of this pod finds them, by its
/// /etc/resolv.conf: search domains and ndots as resolv.conf(5) has them. A static executable has no
/// resolver of the C library's.
func lookup(_ request: Request) -> Answer? {
  let prefix = "/lookup/"
  guard request.path.hasPrefix(prefix) else { return nil }
  let resolver = Resolver(file: readFile("/etc/resolv.conf"))
  let found = resolver.resolve(String(request.path.dropFirst(prefix.count)))
  let body: JSON = [
    "name": JSON(found?.name), "addresses": JSON(found?.addresses ?? []),
    "servers": JSON(resolver.servers), "search": JSON(resolver.searches),
  ]
  return Answer(
    status: found == nil ? 404 : 200, type: "application/json",
    body: Array((body.text + "\n").utf8))
}

private func readFile(_ path: String) -> String {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return "" }
  defer { close(descriptor) }
  var buffer = [UInt8](repeating: 0, count: 16 << 10)
  let count = read(descriptor, &buffer, buffer.count)
  return String(decoding: buffer[..<max(0, count)], as: UTF8.self)
}

private struct Resolver {
  private(set) var servers: [String] = []
  private(set) var searches: [String] = []
  private var dots = 1

  init(file: String) {
    for line in file.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      switch words.first {
      case "nameserver": servers += words.dropFirst().prefix(1)
      case "search": searches = Array(words.dropFirst())
      case "options":
        for word in words where word.hasPrefix("ndots:") { dots = Int(word.dropFirst(6)) ?? dots }
      default: break
      }
    }
  }

  /// With few dots the search domains come first.
  func resolve(_ name: String) -> (name: String, addresses: [String])? {
    let plain = [name]
    let searched = name.hasSuffix(".") ? [] : searches.map { "\(name).\($0)" }
    let isShort = name.count { $0 == "." } < dots
    for candidate in isShort ? searched + plain : plain + searched {
      let addresses = servers.lazy.compactMap { ask($0, candidate) }.first ?? []
      if !addresses.isEmpty { return (candidate, addresses) }
    }
    return nil
  }

  /// Nil if the server does not answer within a second.
  private func ask(_ server: String, _ name: String) -> [String]? {
    guard let name = DomainName(name), let address = IPv4Address(server) else { return nil }
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var limit = timeval(tv_sec: 1, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var target = sockaddr_in()
    target.sin_family = sa_family_t(AF_INET)
    target.sin_port = UInt16(53).bigEndian
    target.sin_addr.s_addr = address.rawValue.bigEndian
    let connected = withUnsafePointer(to: &target) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    let query = Message(
      id: UInt16.random(in: 0...UInt16.max), query: name, .a, recursionDesired: true)
    let bytes = query.encoded()
    var buffer = [UInt8](repeating: 0, count: 4096)
    guard connected == 0, send(descriptor, bytes, bytes.count, 0) == bytes.count else { return nil }
    let count = recv(descriptor, &buffer, buffer.count, 0)
    guard count > 0, let answer = try? Message(decoding: Array(buffer[..<count])),
      answer.id == query.id, answer.isResponse
    else { return nil }
    return answer.answers.filter { $0.type == .a }.map { record in
      record.data.bytes.map(String.init).joined(separator: ".")
    }
  }
}
