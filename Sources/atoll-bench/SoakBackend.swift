import Glibc
import Linux

/// `atoll-bench soak-backend http|echo PORT`: answers `/bytes/N` with N bytes, or sends back what comes;
/// until it is killed.
enum SoakBackend {
  static func run(_ arguments: [String]) {
    guard arguments.count == 2, let port = UInt16(arguments[1]) else { Bench.usage() }
    let isEcho = arguments[0] == "echo"
    endWithParent()
    guard let listener = try? SoakSocket(listening: port) else { exit(1) }
    while true {
      let accepted = accept(listener.descriptor, nil, nil)
      guard accepted >= 0 else { continue }
      Thread.spawn(name: "soak") {
        let socket = SoakSocket(accepted: accepted)
        if isEcho { echo(accepted) } else { try? serve(socket) }
      }
    }
  }

  private static func serve(_ socket: SoakSocket) throws {
    let block = [UInt8](repeating: UInt8(ascii: "x"), count: 200_000)
    var random = SystemRandomNumberGenerator()
    while true {
      let head = try socket.head()
      if let length = number(head, after: "Content-Length: ") { try socket.take(length) }
      let size = min(block.count, number(head, after: "/bytes/") ?? 0)
      if Int.random(in: 0..<300, using: &random) == 0 { usleep(20_000) }
      let isLast = Int.random(in: 0..<200, using: &random) == 0
      let fields = "Content-Length: \(size)\r\n\(isLast ? "Connection: close\r\n" : "")"
      try socket.send(Array("HTTP/1.1 200 OK\r\n\(fields)\r\n".utf8) + block[..<size])
      if isLast { return }
    }
  }

  private static func echo(_ descriptor: Int32) {
    var space = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = recv(descriptor, &space, space.count, 0)
      guard count > 0, send(descriptor, space, count, Int32(MSG_NOSIGNAL)) == count else { return }
    }
  }
}

/// The number behind the first `mark`.
func number(_ text: String, after mark: String) -> Int? {
  guard let found = text.firstRange(of: mark) else { return nil }
  return Int(text[found.upperBound...].prefix { $0.isNumber })
}

/// Not to outlive the soak, however that ends.
func endWithParent() {
  let parent = getppid()
  Thread.spawn(name: "soak") {
    while getppid() == parent { sleep(1) }
    exit(1)
  }
}
