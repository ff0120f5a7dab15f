import Glibc
import Linux
import Testing

@Suite struct ChildProcessTests {
  @Test @Loop func `a command's output, errors and exit code come back`() async throws {
    let result = try await ChildProcess.run(
      ["sh", "-c", "cat; echo oops >&2; exit 3"], input: Array("hello".utf8))
    #expect(result.outputText == "hello")
    #expect(result.errorText == "oops\n")
    #expect(result.ending == .exited(3))
  }

  @Test @Loop func `more output than the limit is cut, and the command still ends`() async throws {
    let result = try await ChildProcess.run(
      ["sh", "-c", "head -c 300000 /dev/zero"], limit: 1000)
    #expect(result.output.count == 1000)
    #expect(result.ending.isSuccess)
  }

  @Test @Loop func `a command that does not end is killed at its timeout`() async throws {
    let result = try await ChildProcess.run(["sleep", "600"], timeout: .milliseconds(50))
    #expect(result.ending == .killed(signal: SIGKILL))
  }

  @Test @Loop func `a program that is not there is an error that names it`() async throws {
    let error = await #expect(throws: SystemError.self) {
      try await ChildProcess.run(["/no/such/program"])
    }
    #expect(error?.description.contains("/no/such/program") == true)
  }

  @Test @Loop func `a cancelled command is killed, and leaves no zombie`() async throws {
    let task = Task { @Loop in try await ChildProcess.run(["sleep", "600.\(getpid())"]) }
    var pid: Int32?
    while pid == nil {
      try await Loop.sleep(.milliseconds(5))
      pid = try Self.children().first { $0.command.contains("600.\(getpid())") }?.pid
    }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    let found = try #require(pid)
    while kill(found, 0) == 0 { try await Loop.sleep(.milliseconds(5)) }
  }

  @Test @Loop func `environment, folder and session are those asked for`() async throws {
    let result = try await ChildProcess.run(
      ["sh", "-c", "echo $A $(pwd)"], environment: ["A": "b", "PATH": "/usr/bin:/bin"],
      directory: "/usr")
    #expect(result.outputText == "b /usr\n")
    let child = try ChildProcess.spawn(["sleep", "600"], output: .null, newSession: true)
    #expect(getsid(child.pid) == child.pid)
    child.signal(SIGTERM)
    #expect(try await child.wait() == .killed(signal: SIGTERM))
    child.signal(SIGTERM)
  }

  @Test @Loop func `an orphan is adopted with its exit code, and one nobody asks for is reaped`()
    async throws
  {
    try ChildProcess.becomeSubreaper()
    try await ChildProcess.adopting {
      let parent = try await ChildProcess.run(
        ["sh", "-c", "(sleep 0.05; exit 5) >/dev/null 2>&1 & echo $!; exit 0"])
      let text = parent.outputText.split(separator: "\n").first
      let pid = try #require(text.flatMap { Int32($0) })
      #expect(try await ChildProcess.adopt(pid: pid).wait() == .exited(5))
    }
    let parent = try await ChildProcess.run(["sh", "-c", "true & echo $!"])
    let text = parent.outputText.split(separator: "\n").first
    let pid = try #require(text.flatMap { Int32($0) })
    while kill(pid, 0) == 0 {
      ChildProcess.reapOrphans()
      try await Loop.sleep(.milliseconds(5))
    }
  }

  private static func children() throws -> [(pid: Int32, command: String)] {
    try FileSystem.list("/proc").compactMap(Int32.init).compactMap { pid in
      guard let command = try? FileSystem.readText("/proc/\(pid)/cmdline") else { return nil }
      return (pid, command)
    }
  }
}
