import Containers
import Glibc
import Linux
import NetTypes
import Testing

/// A container from start to trace-free end, with a real runc.
@Suite(
  .serialized,
  .enabled(
    if: geteuid() == 0 && access("/usr/sbin/runc", X_OK) == 0, "needs root and runc"))
struct ContainerRuntimeTests {
  @Test @Loop func `a container runs, logs, takes commands, survives its agent, and goes`()
    async throws
  {
    let root = "/run/atoll-test-\(getpid())-run"
    let group = "/atoll-test-\(getpid())/pod/c"
    try FileSystem.makeDirectories(root)
    defer {
      try? FileSystem.removeTree(root)
      ControlGroups.remove("atoll-test-\(getpid())")
    }
    var image = Image(reference: try #require(.sample), id: "host", root: "/")
    image.entrypoint = ["/bin/sh", "-c"]
    image.command = ["echo ready; trap 'exit 7' TERM; while :; do sleep 0.05; done"]
    var spec = ContainerSpec(
      id: "test-\(getpid())", image: image, logPath: root + "/log", controlGroup: group)
    spec.hostname = "tested"
    spec.labels = ["pod": "p"]
    spec.memoryLimit = 64 << 20

    let runtime = try ContainerRuntime(state: root + "/state", runtime: root + "/runc")
    let container = try await runtime.start(spec)
    #expect(kill(container.pid, 0) == 0)
    let answer = try await runtime.execute(spec.id, ["hostname"], timeout: .seconds(10))
    #expect(answer.outputText == "tested\n" && answer.ending.isSuccess)
    while !(try FileSystem.readText(root + "/log").contains("ready")) {
      try await Loop.sleep(.milliseconds(10))
    }

    // A second runtime, as after a restart of the agent, finds and ends it.
    let successor = try ContainerRuntime(state: root + "/state", runtime: root + "/runc")
    let found = successor.containers()
    #expect(found.map(\.container.id) == [spec.id] && found.allSatisfy(\.isRunning))
    #expect(found.first?.container.labels == ["pod": "p"])
    let ended = Waiter()
    var exits: [ChildProcess.Ending] = []
    runtime.onExit = { _, ending in
      exits.append(ending)
      ended.resume()
    }
    successor.signal(spec.id, SIGTERM)
    try await ended.wait()
    #expect(exits == [.exited(7)] || exits == [.unknown])
    await successor.delete(spec.id)
    #expect(successor.containers().isEmpty)
    #expect(try Mount.all().allSatisfy { !$0.path.hasPrefix(root) })
  }

  @Test @Loop func `a command that is not in the image is said so`() async throws {
    let root = "/run/atoll-test-\(getpid())-bad"
    try FileSystem.makeDirectories(root)
    defer {
      try? FileSystem.removeTree(root)
      ControlGroups.remove("atoll-test-\(getpid())-bad")
    }
    let image = Image(reference: try #require(.sample), id: "host", root: "/")
    var spec = ContainerSpec(
      id: "bad-\(getpid())", image: image, logPath: root + "/log",
      controlGroup: "/atoll-test-\(getpid())-bad/c")
    spec.command = ["/no/such/program"]
    let runtime = try ContainerRuntime(state: root + "/state", runtime: root + "/runc")
    let error = await #expect(throws: ContainerError.self) { try await runtime.start(spec) }
    #expect(error?.description.contains("/no/such/program") == true)
    #expect(runtime.containers().isEmpty)
  }

  @Test(.enabled(if: Sample.path != nil, "atoll-sample is not built"))
  @Loop func `the sample answers over HTTP inside a namespace of its own`() async throws {
    let name = "atoll-test-\(getpid())-c"
    let root = "/run/\(name)"
    try FileSystem.makeDirectories(root)
    try NetworkNamespace.create(named: name)
    defer {
      try? NetworkNamespace.delete(named: name)
      try? FileSystem.removeTree(root)
      ControlGroups.remove(name)
    }
    try NetworkNamespace.open(named: name).with { try Netlink().setUp("lo") }
    let image = try ImageStore(root: root + "/images").ensureSample()
    var spec = ContainerSpec(
      id: name, image: image, logPath: root + "/log", controlGroup: "/\(name)/c")
    spec.arguments = ["whoami", "--port", "80"]
    spec.hostname = "pod-7"
    spec.networkNamespace = "/run/netns/\(name)"
    spec.userID = 1000
    spec.memoryLimit = 64 << 20
    spec.cpuLimit = 500
    let before = try Mount.all().count
    let runtime = try ContainerRuntime(state: root + "/state", runtime: root + "/runc")
    let container = try await runtime.start(spec)
    let answer = try await ChildProcess.run(
      [
        "curl", "-sS", "--retry", "20", "--retry-connrefused", "--retry-delay", "1",
        "http://127.0.0.1/x",
      ], networkNamespace: spec.networkNamespace)
    #expect(answer.outputText.contains("Name: pod-7"), "\(answer.errorText)")
    let limit = try FileSystem.list("/sys/fs/cgroup").contains("memory")
    if limit {
      let path = "/sys/fs/cgroup/memory/\(name)/c/memory.limit_in_bytes"
      #expect(try FileSystem.readText(path) == "67108864\n")
    }
    #expect(
      try FileSystem.readText("/proc/\(container.pid)/status").contains("Uid:\t1000\t1000"))
    let error = #expect(throws: ImageError.self) {
      try ImageStore(root: root + "/images").remove(image.reference)
    }
    #expect(error?.description.contains("still use it") == true)
    let ended = Waiter()
    var exit: ChildProcess.Ending?
    runtime.onExit = { _, ending in
      exit = ending
      ended.resume()
    }
    runtime.signal(spec.id, SIGTERM)
    try await ended.wait()
    #expect(exit == .exited(0))
    await runtime.delete(spec.id)
    #expect(try Mount.all().count == before)
    #expect(!FileSystem.exists("/sys/fs/cgroup/memory/\(name)/c"))
    #expect(try FileSystem.list(root + "/state").isEmpty)
    try ImageStore(root: root + "/images").remove(image.reference)
    #expect(try FileSystem.list(root + "/images").isEmpty)
  }

  @Test @Loop func `a command that outlives its time is killed inside the container`() async throws
  {
    let name = "atoll-test-\(getpid())-x"
    let root = "/run/\(name)"
    try FileSystem.makeDirectories(root)
    defer {
      try? FileSystem.removeTree(root)
      ControlGroups.remove(name)
    }
    var image = Image(reference: try #require(.sample), id: "host", root: "/")
    image.entrypoint = ["/bin/sleep", "600"]
    let spec = ContainerSpec(
      id: name, image: image, logPath: root + "/log", controlGroup: "/\(name)/c")
    let runtime = try ContainerRuntime(state: root + "/state", runtime: root + "/runc")
    _ = try await runtime.start(spec)
    let result = try await runtime.execute(
      name, ["sh", "-c", "echo $$; exec sleep 700"], timeout: .milliseconds(400))
    #expect(result.ending == .killed(signal: SIGKILL))
    let processes = try await runtime.execute(
      name, ["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"], timeout: .seconds(10))
    #expect(processes.outputText.contains("sleep 600"))
    #expect(!processes.outputText.contains("sleep 700"))
    let failed = try await runtime.execute(name, ["/no/such"], timeout: .seconds(10))
    #expect(!failed.ending.isSuccess && failed.errorText.contains("/no/such"))
    await runtime.delete(name)
    #expect(try Mount.all().allSatisfy { !$0.path.hasPrefix(root) })
  }

  @Test @Loop func `a container that ends at once still gives its exit code`() async throws {
    let name = "atoll-test-\(getpid())-q"
    let root = "/run/\(name)"
    try FileSystem.makeDirectories(root)
    defer {
      try? FileSystem.removeTree(root)
      ControlGroups.remove(name)
    }
    var image = Image(reference: try #require(.sample), id: "host", root: "/")
    image.entrypoint = ["/bin/sh", "-c", "echo gone; exit 3"]
    let spec = ContainerSpec(
      id: name, image: image, logPath: root + "/log", controlGroup: "/\(name)/c")
    let runtime = try ContainerRuntime(state: root + "/state", runtime: root + "/runc")
    let ended = Waiter()
    var exit: ChildProcess.Ending?
    runtime.onExit = { _, ending in
      exit = ending
      ended.resume()
    }
    _ = try await runtime.start(spec)
    try await ended.wait()
    #expect(exit == .exited(3))
    #expect(try FileSystem.readText(root + "/log") == "gone\n")
    await runtime.delete(name)
  }
}
