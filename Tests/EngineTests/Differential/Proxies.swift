import Engine
import Glibc

/// A proxy with a backend of its own behind it.
struct Lane: Sendable {
  var name: String
  var port: UInt16
  var backend: RecordingBackend

  /// What came out behind the proxy.
  struct Passed: Equatable {
    var requests: [ReadRequest] = []
    /// What the backend could not read.
    var malformed: [String] = []
    /// What the client got first; 0 for nothing.
    var status = 0
  }

  /// Sends `bytes` and then a request that everything before it has to be out of the way of.
  func pass(_ bytes: [UInt8]) throws -> Passed {
    _ = backend.take()
    let answer = try exchange(bytes)
    let marker = try exchange(Array("GET /marker HTTP/1.0\r\nHost: marker\r\n\r\n".utf8))
    var passed = Passed()
    var markers = 0
    for seen in backend.take() {
      switch seen {
      case .request(let request) where request.target == "/marker": markers += 1
      case .request(let request): passed.requests.append(request)
      case .malformed(let why): passed.malformed.append(why)
      }
    }
    if markers != 1 { passed.malformed.append("marker came \(markers) times; got \(marker)") }
    passed.status = Int(answer.split(separator: " ").dropFirst().first ?? "") ?? 0
    return passed
  }

  /// All that comes back until the proxy closes.
  private func exchange(_ bytes: [UInt8]) throws -> String {
    let client = try TestClient(port)
    var limit = timeval(tv_sec: 3, tv_usec: 0)
    setsockopt(
      client.descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    // A proxy may refuse before all is sent.
    try? client.send(bytes)
    client.shutdownWrite()
    var answer: [UInt8] = []
    while let part = try? client.receive(), !part.isEmpty { answer += part }
    return String(decoding: answer, as: UTF8.self)
  }

  func waitUntilServing() throws {
    for _ in 0..<100 {
      if (try? TestClient(port)) != nil { return }
      usleep(50_000)
    }
    throw TestFailure("\(name) does not listen")
  }
}

extension Program {
  /// nginx and HAProxy as they come, but that a request is not repeated and a client that has shut its
  /// sending side is answered; nil where one is not installed.
  static func nginx(_ port: UInt16, before backend: UInt16) throws -> Program? {
    guard let path = find("nginx") else { return nil }
    let configuration = """
      daemon off; master_process off; pid $FOLDER/pid; error_log stderr crit;
      events { worker_connections 512; }
      http {
        access_log off;
        client_body_temp_path $FOLDER/b; proxy_temp_path $FOLDER/p; fastcgi_temp_path $FOLDER/f;
        uwsgi_temp_path $FOLDER/u; scgi_temp_path $FOLDER/s;
        upstream origin { server 127.0.0.1:\(backend); keepalive 8; }
        server {
          listen 127.0.0.1:\(port);
          client_header_timeout 2s; client_body_timeout 2s; keepalive_timeout 2s; lingering_time 1s;
          location / {
            proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_set_header Host $host; proxy_next_upstream off; proxy_ignore_client_abort on;
            proxy_request_buffering on;
          }
        }
      }
      """
    return try Program(
      [path, "-e", "stderr", "-c", "$FOLDER/conf"], files: ["conf": configuration])
  }

  static func haproxy(_ port: UInt16, before backend: UInt16) throws -> Program? {
    guard let path = find("haproxy") else { return nil }
    let configuration = """
      global
        maxconn 512
        nbthread 1
      defaults
        mode http
        timeout connect 1s
        timeout client 2s
        timeout server 2s
        retries 0
        http-reuse always
      listen l
        bind 127.0.0.1:\(port)
        server s 127.0.0.1:\(backend)

      """
    return try Program([path, "-db", "-f", "$FOLDER/conf"], files: ["conf": configuration])
  }

  /// The first line of what `-v` says.
  static func version(_ name: String) -> String {
    guard let path = find(name) else { return "\(name) absent" }
    let output = (try? run([path, "-v"]))?.output ?? ""
    return String(output.split(separator: "\n").first ?? "\(name)").replacing(
      "nginx version: ", with: "")
  }
}
