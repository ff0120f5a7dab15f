import Linux
import Testing

@Suite struct LoopTests {
  @Test @Loop func `timers fire in the order of their deadlines`() async throws {
    var fired: [Int] = []
    Loop.after(.milliseconds(20)) { fired.append(2) }
    Loop.after(.milliseconds(5)) { fired.append(1) }
    Loop.after(.milliseconds(10)) { fired.append(0) }.cancel()
    try await Loop.sleep(.milliseconds(40))
    #expect(fired == [1, 2])
  }

  @Test @Loop func `a cancelled sleep ends at once`() async throws {
    let task = Task { @Loop in try await Loop.sleep(.seconds(60)) }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }
}
