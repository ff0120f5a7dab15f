import Glibc
import Synchronization

/// A server that writes down what reaches it and answers 200. One thread looks at all connections, and
/// reads all of them before it answers any: what a proxy sent before a request is written down before
/// that request is answered.
final class RecordingBackend: Sendable {
  enum Seen {
    case request(ReadRequest)
    /// Something that is no request, which ends the connection.
    case malformed(String)
  }

  let port: UInt16
  private let seen = Mutex<[Seen]>([])
  private let isStopped = Atomic<Bool>(false)

  init() throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        let code = bind(listener, $0, length)
        _ = getsockname(listener, $0, &length)
        return code
      }
    }
    guard code == 0, listen(listener, 128) == 0 else { throw TestFailure("bind: \(errno)") }
    port = UInt16(bigEndian: address.sin_port)
    spawn { [self] in
      serve(listener)
      close(listener)
    }
  }

  func stop() { isStopped.store(true, ordering: .relaxed) }

  /// What came since the last time.
  func take() -> [Seen] {
    seen.withLock { all in
      defer { all = [] }
      return all
    }
  }

  private func serve(_ listener: Int32) {
    var inputs: [Int32: [UInt8]] = [:]
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while !isStopped.load(ordering: .relaxed) {
      var polled = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
      polled += inputs.keys.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      guard poll(&polled, nfds_t(polled.count), 100) > 0 else { continue }
      var answers: [(Int32, String)] = []
      for entry in polled.dropFirst() where entry.revents != 0 {
        let count = recv(entry.fd, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        guard count > 0 else {
          close(entry.fd)
          inputs[entry.fd] = nil
          continue
        }
        answers += note(buffer[..<count], entry.fd, &inputs)
      }
      for (descriptor, text) in answers {
        _ = send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL))
        if text.contains("close") {
          close(descriptor)
          inputs[descriptor] = nil
        }
      }
      if polled[0].revents != 0, case let accepted = accept(listener, nil, nil), accepted >= 0 {
        inputs[accepted] = []
      }
    }
    for descriptor in inputs.keys { close(descriptor) }
  }

  private func note(
    _ bytes: ArraySlice<UInt8>, _ descriptor: Int32, _ inputs: inout [Int32: [UInt8]]
  ) -> [(Int32, String)] {
    let input = (inputs[descriptor] ?? []) + bytes
    var reader = ReferenceReader(input[...])
    var answers: [(Int32, String)] = []
    reading: while true {
      switch reader.next() {
      case .request(let request):
        seen.withLock { $0.append(.request(request)) }
        let answer =
          request.method == "CONNECT"
          ? "405 Method Not Allowed\r\nConnection: close" : "200 OK"
        answers.append((descriptor, "HTTP/1.1 \(answer)\r\nContent-Length: 0\r\n\r\n"))
      case .malformed(let why):
        let text = String(decoding: input[reader.position...].prefix(200), as: UTF8.self)
        seen.withLock { $0.append(.malformed("\(why): \(text.debugDescription)")) }
        answers.append(
          (descriptor, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        )
        break reading
      case .incomplete: break reading
      }
    }
    inputs[descriptor] = Array(input[reader.position...])
    return answers
  }
}
