import Containers
import Glibc
import HTTP
import Kubernetes
import Linux
import Testing

@testable import NodeService

@Suite struct KubeletRequestTests {
  @Test(arguments: [
    ("/healthz", KubeletRequest.healthz), ("/pods", .pods),
    (
      "/containerLogs/default/web-1/web?tailLines=5&follow=true",
      .logs(
        ResourceName(namespace: "default", name: "web-1"), container: "web",
        .init(tailLines: 5, limitBytes: nil, follows: true, isPrevious: false))
    ),
    (
      "/containerLogs/a/b/c?previous=true&limitBytes=10",
      .logs(
        ResourceName(namespace: "a", name: "b"), container: "c",
        .init(tailLines: nil, limitBytes: 10, follows: false, isPrevious: true))
    ),
  ])
  func `a request of the API server is understood`(target: String, request: KubeletRequest) throws {
    #expect(try KubeletRequest(method: "GET", target: RequestTarget(target)) == request)
  }

  @Test func `anything else is refused`() {
    #expect(throws: KubeletRequest.Refusal.notFound) {
      try KubeletRequest(method: "GET", target: RequestTarget("/exec/a/b/c"))
    }
    #expect(throws: KubeletRequest.Refusal.methodNotAllowed) {
      try KubeletRequest(method: "POST", target: RequestTarget("/pods"))
    }
    #expect(throws: KubeletRequest.Refusal.badRequest("tailLines is -1, expected a count")) {
      try KubeletRequest(
        method: "GET", target: RequestTarget("/containerLogs/a/b/c?tailLines=-1"))
    }
  }
}

@Suite @Loop struct LogReaderTests {
  @Test(
    arguments: [
      ("a\nb\nc\n", 2, "b\nc\n"), ("a\nb\nc", 2, "b\nc"), ("a\n", 5, "a\n"), ("a\nb\n", 0, ""),
      ("", 3, ""), ("a\nb\n", nil, "a\nb\n"), ("\n\n\n", 2, "\n\n"),
    ] as [(String, Int?, String)])
  func `a log is read from its last lines on`(text: String, lines: Int?, expected: String) throws {
    let path = "/tmp/atoll-log-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    defer { unlink(path) }
    try Files.write(Array(text.utf8), to: path)
    let reader = LogReader(path: path)
    try reader.seek(tailLines: lines)
    #expect(String(decoding: reader.read(), as: UTF8.self) == expected)
    #expect(reader.read().isEmpty)
  }

  @Test func `the last lines of a long log are found`() throws {
    let path = "/tmp/atoll-log-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    defer { unlink(path) }
    let text = (0..<30_000).map { "line \($0)\n" }.joined()
    try Files.write(Array(text.utf8), to: path)
    let reader = LogReader(path: path)
    try reader.seek(tailLines: 10_000)
    var bytes: [UInt8] = []
    while case let more = reader.read(), !more.isEmpty { bytes += more }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 10_000)
    #expect(lines.first == "line 20000")
  }

  @Test(arguments: [nil, 100_000, 3] as [Int?])
  func `a log whose beginning was freed is read from its first whole line`(tail: Int?) throws {
    let path = "/tmp/atoll-log-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    defer { unlink(path) }
    let text = (0..<30_000).map { "line \($0)\n" }.joined()
    try Files.write(Array(text.utf8), to: path)
    ContainerLog.trim(path, limit: 64 << 10)
    let reader = LogReader(path: path)
    try reader.seek(tailLines: tail)
    var bytes: [UInt8] = []
    while case let more = reader.read(), !more.isEmpty { bytes += more }
    #expect(bytes.count <= 64 << 10 && text.utf8.reversed().starts(with: bytes.reversed()))
    #expect(bytes.starts(with: Array("line ".utf8)))
    if let tail, tail < 10 {
      #expect(bytes == Array("line 29997\nline 29998\nline 29999\n".utf8))
    }
  }
}
