/// `whoami|httpbin|tcp-echo|udp-echo [--port N]`
struct Arguments {
  enum Server: String, CaseIterable {
    case whoami, httpbin
    case tcpEcho = "tcp-echo"
    case udpEcho = "udp-echo"
  }

  var server: Server
  var port: UInt16 = 8080

  init(_ words: some Collection<String>) throws(Mistake) {
    let servers = Server.allCases.map(\.rawValue).joined(separator: "|")
    let usage = "usage: atoll-sample \(servers) [--port N]"
    guard let first = words.first, let server = Server(rawValue: first) else {
      throw Mistake("found \"\(words.first ?? "nothing")\", expected a server\n\(usage)")
    }
    self.server = server
    let options = words.dropFirst()
    guard let option = options.first else { return }
    let text: String
    if option == "--port", options.count == 2 {
      text = options[options.index(after: options.startIndex)]
    } else if option.hasPrefix("--port="), options.count == 1 {
      text = String(option.dropFirst(7))
    } else {
      throw Mistake("found \"\(options.joined(separator: " "))\", expected --port N\n\(usage)")
    }
    guard let port = UInt16(text), port > 0 else {
      throw Mistake("port: found \"\(text)\", expected 1 to 65535")
    }
    self.port = port
  }
}

struct Mistake: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = "error: \(description)" }
}
