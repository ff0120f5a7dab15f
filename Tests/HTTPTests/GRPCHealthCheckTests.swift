import HTTP
import Testing

@Suite struct GRPCHealthCheckTests {
  private func data(_ message: [UInt8], type: UInt8 = 0, flags: UInt8 = 0) -> [UInt8] {
    [0, 0, UInt8(message.count), type, flags, 0, 0, 0, 1] + message
  }

  @Test(arguments: [1, 2, 0] as [UInt8])
  func `the serving status is read from the answer, whole or byte by byte`(status: UInt8) {
    let body: [UInt8] = status == 0 ? [0, 0, 0, 0, 0] : [0, 0, 0, 0, 2, 8, status]
    let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
    var whole = GRPCHealthCheck()
    #expect(whole.receive(settings + data(body)) == .status(Int(status)))
    var slow = GRPCHealthCheck()
    var last = GRPCHealthCheck.Outcome.needMore([])
    for byte in settings + data(body) { last = slow.receive([byte]) }
    #expect(last == .status(Int(status)))
  }

  @Test func `settings and pings are answered`() {
    var check = GRPCHealthCheck()
    let ping: [UInt8] = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]
    #expect(
      check.receive([0, 0, 0, 4, 0, 0, 0, 0, 0] + ping)
        == .needMore([0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 8, 6, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8])
    )
  }

  @Test func `a call that ends without a message, a reset and a huge frame are failures`() {
    for bytes: [UInt8] in [
      data([], type: 1, flags: 5), data([0, 0, 0, 8], type: 3),
      [0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 1],
    ] {
      var check = GRPCHealthCheck()
      guard case .failed = check.receive(bytes) else {
        Issue.record("\(bytes) was taken")
        continue
      }
    }
  }
}
